//! Every event that was ever released stays readable, to the byte.
//!
//! A fixture is never edited: a new meaning is a new type with a fixture of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use strongroom_model::event::CATALOGUE;
use strongroom_model::{Expected, NewEvent, Position, Recorded, Version};

use crate::samples;

/// Set to write the fixtures that are missing; one that is there is never touched.
const WRITE: &str = "STRONGROOM_WRITE_FIXTURES";
/// Where in the log the samples lie.
const POSITION: Position = Position(4_321);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Every fixture: its file's name and its bytes.
fn fixtures() -> Vec<(String, String)> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let named =
        entries.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap()));
    named.collect()
}

/// What would have to be appended for this to be recorded.
fn to_append(recorded: &Recorded) -> NewEvent {
    let Recorded { version, id, stream, time, actor, cause, run, event, .. } = recorded.clone();
    let expected = version.0.checked_sub(1).map_or(Expected::New, |last| Expected::After(Version(last)));
    NewEvent { id, stream, expected, time, actor, cause, run, event }
}

#[test]
fn every_type_of_event_has_a_fixture() {
    if std::env::var_os(WRITE).is_some() {
        for (name, event) in samples::all() {
            let path = folder().join(name);
            if !path.exists() {
                fs::write(path, event.render(&samples::site(), POSITION)).unwrap();
            }
        }
    }
    let names: BTreeSet<_> = fixtures().into_iter().map(|(name, _)| name).collect();
    let types = CATALOGUE.iter().map(|event| format!("{}.json", event.name));
    for name in types.chain(samples::all().into_iter().map(|(name, _)| name)) {
        assert!(names.contains(&name), "{name} is missing: {WRITE}=1 cargo test -p strongroom-model writes it");
    }
}

#[test]
fn a_fixture_reads_as_the_event_that_it_was_made_of() {
    let fixtures = fixtures();
    for (name, event) in samples::all() {
        let (_, body) = fixtures.iter().find(|(known, _)| *known == name).unwrap();
        let recorded = Recorded::parse(body).unwrap();
        assert_eq!(to_append(&recorded), event, "{name}");
        assert_eq!(recorded.position, POSITION, "{name}");
    }
}

#[test]
fn a_fixture_that_is_read_and_written_again_is_the_same_to_the_byte() {
    for (name, body) in fixtures() {
        let recorded = Recorded::parse(&body).unwrap_or_else(|error| panic!("{name} can no longer be read: {error}"));
        assert_eq!(to_append(&recorded).render(&samples::site(), recorded.position), body, "{name}");
    }
}

#[test]
fn a_fixture_fits_its_schema_and_has_no_field_beside_it() {
    for (name, body) in fixtures() {
        let event: Value = serde_json::from_str(&body).unwrap();
        let schema = format!("../../schemas/events/{}.json", event["type"].as_str().unwrap());
        let schema = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(schema)).unwrap();
        let mut schema: Value = serde_json::from_str(&schema).unwrap();
        close(&mut schema);
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        let errors: Vec<_> = validator.iter_errors(&event).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

/// Refuses, in every object of the schema, what it does not name.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("properties") {
                object.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

#[test]
fn an_event_of_another_time_is_named_not_guessed() {
    let (_, body) = fixtures().into_iter().find(|(name, _)| name.contains("enumerated")).unwrap();
    let later = body.replace(".enumerated.v1", ".enumerated.v9");
    let error = Recorded::parse(&later).unwrap_err().to_string();
    assert!(error.contains("enumerated.v9") && error.contains("upgrade"), "{error}");
    let error = Recorded::parse(&body.replace(r#""specversion":"1.0""#, r#""specversion":"2.0""#)).unwrap_err();
    assert!(error.to_string().contains("2.0"), "{error}");
}
