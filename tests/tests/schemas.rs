//! `schemas/`, and what the pages take from the code, is what the code says. `cargo xtask schemas`
//! writes it anew.

use std::collections::BTreeSet;
use std::fs;

use strongroom_model::event::CATALOGUE;
use strongroom_tests::schemas::{all, workspace_root};

/// Set by `cargo xtask schemas`: write instead of compare.
const WRITE: &str = "UPDATE_SCHEMAS";

#[test]
fn every_schema_in_the_repository_is_as_the_code_says() {
    let write = std::env::var_os(WRITE).is_some();
    let mut drifted = Vec::new();
    for file in all() {
        let path = workspace_root().join(&file.path);
        if write {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &file.text).unwrap();
        } else if fs::read_to_string(&path).ok().as_deref() != Some(file.text.as_str()) {
            drifted.push(file.path);
        }
    }
    assert!(drifted.is_empty(), "these differ from the code: {drifted:?}; `cargo xtask schemas` writes them anew");
}

#[test]
fn no_schema_in_the_repository_is_of_an_event_that_is_gone() {
    let expected: BTreeSet<_> = CATALOGUE.iter().map(|event| format!("schemas/events/{}.json", event.name)).collect();
    for entry in fs::read_dir(workspace_root().join("schemas/events")).unwrap() {
        let path = format!("schemas/events/{}", entry.unwrap().file_name().to_string_lossy());
        assert!(expected.contains(&path), "{path} is of no event in the catalogue: a released event is never removed");
    }
}
