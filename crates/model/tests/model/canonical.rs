//! What makes an event's bytes what they are, whatever other crates ask of serde_json: its
//! `preserve_order`, `float_roundtrip` and `arbitrary_precision` reach every crate of a build.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use strongroom_model::event::{CATALOGUE, Enumerated, Rejected, RunEnumerated};
use strongroom_model::{ByteCount, Event, Expected, NewEvent, Position, Recorded, StageName, SubjectKind};

use crate::samples;

fn event(size: u64, filename: &str) -> NewEvent {
    let event = Event::TimesheetEnumerated(Enumerated {
        filename: filename.to_owned(),
        size_bytes: ByteCount(size),
        digest: "md5:900150983cd24fb0d6963f7d28e17f72".parse().unwrap(),
        signed_off_at: "2026-11-20T12:00:00Z".parse().unwrap(),
    });
    let (stream, actor) = ("booking/B-1".parse().unwrap(), "enumerate@backup-1".parse().unwrap());
    let new = NewEvent::new(stream, Expected::New, "2026-11-20T22:00:00.123456789Z".parse().unwrap(), actor, event);
    NewEvent { id: "019a9f6e-7c1e-7d3a-9b7e-2f1f00000007".parse().unwrap(), ..new }
}

/// Members by UTF-16 code units, no blanks, integers as they are, only what must be escaped
/// is escaped (RFC 8785, section 3.2); the time cut to the microsecond.
#[test]
fn the_stored_bytes_are_these() {
    let body = event(1_000_000, "a\"\\/\n\u{1}é\u{2028}😀").render(&samples::site(), Position(0));
    let expected = concat!(
        r#"{"actor":"enumerate@backup-1","#,
        r#""data":{"digest":"md5:900150983cd24fb0d6963f7d28e17f72","#,
        "\"filename\":\"a\\\"\\\\/\\n\\u0001é\u{2028}😀\",",
        r#""signed_off_at":"2026-11-20T12:00:00Z","size_bytes":1000000},"#,
        r#""datacontenttype":"application/json","dataschema":"urn:strongroom:timesheet:enumerated:v1","#,
        r#""id":"019a9f6e-7c1e-7d3a-9b7e-2f1f00000007","position":0,"source":"/sites/kestrel","specversion":"1.0","#,
        r#""subject":"booking/B-1","time":"2026-11-20T22:00:00.123456Z","#,
        r#""type":"strongroom.timesheet.enumerated.v1","version":0}"#,
    );
    assert_eq!(body, expected);
}

/// RFC 8785 writes numbers as JavaScript does, and that keeps integers up to 2^53 - 1 only. A
/// server may name any size and any count (R9); what is stored must be readable for ever.
#[test]
fn r9_a_number_that_json_cannot_keep_is_stored_as_the_greatest_that_it_can() {
    const GREATEST: u64 = (1 << 53) - 1;
    for (named, stored) in
        [(GREATEST, GREATEST), (GREATEST + 1, GREATEST), (GREATEST + 2, GREATEST), (u64::MAX, GREATEST)]
    {
        let body = event(named, "a").render(&samples::site(), Position(0));
        let Event::TimesheetEnumerated(data) = Recorded::parse(&body).unwrap().event else { panic!("{body}") };
        assert_eq!(data.size_bytes, ByteCount(stored), "{named}");
    }
    let enumerated = Event::RunEnumerated(RunEnumerated {
        waiting: u64::MAX,
        listed: 0,
        enumerated: 0,
        claimed: 0,
        forgotten: 0,
        unusable: 0,
        rejected: vec![Rejected { booking: String::new(), reason: String::new() }],
        zero_reason: None,
    });
    let body = NewEvent { event: enumerated, ..event(0, "a") }.render(&samples::site(), Position(0));
    assert!(Recorded::parse(&body).is_ok(), "{body}");
}

/// The order in which members are declared is the order in which they are stored: by their names, as a library that sorts
/// them has it, in every type of event with all that it can hold.
#[test]
fn every_member_is_stored_in_canonical_order() {
    let mut reached = samples::failed(StageName::Notify, true);
    reached.reached.push("office@example.com".to_owned());
    reached.next_step = Some("mount the disk".to_owned());
    let failed = [SubjectKind::Booking, SubjectKind::Run, SubjectKind::Alarm, SubjectKind::Summary, SubjectKind::Drive]
        .map(|subject| Event::failed(subject, reached.clone()));
    let sampled = samples::all().into_iter().map(|(_, event)| event);
    let failed = failed.into_iter().chain([Event::WorkFailed(reached)]);
    let failed = failed.map(|failed| NewEvent { event: failed, ..event(0, "a") });
    let mut held: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for event in sampled.chain(failed) {
        let body = event.render(&samples::site(), Position(0));
        let value: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body, serde_json_canonicalizer::to_string(&value).unwrap());
        let members: BTreeSet<_> = value["data"].as_object().unwrap().keys().cloned().collect();
        let most = held.entry(event.event.type_name()).or_default();
        if members.len() > most.len() {
            *most = members;
        }
    }
    for event in CATALOGUE {
        let schema = (event.schema)();
        let named: BTreeSet<_> = schema.get("properties").unwrap().as_object().unwrap().keys().cloned().collect();
        assert_eq!(held[event.name], named, "no sample of {} has all of its members", event.name);
    }
}
