use std::fmt::Write as _;

use super::sentence;
use crate::samples;

#[test]
fn every_event_of_the_catalogue_is_one_plain_sentence() {
    let mut page = String::new();
    for recorded in samples::one_of_each() {
        let text = sentence(&recorded);
        assert!(!text.chars().any(char::is_control), "{text}");
        assert!(text.ends_with('.') && !text.ends_with(".."), "{text}");
        writeln!(page, "{}\n    {text}", recorded.event.type_name()).unwrap();
    }
    insta::assert_snapshot!(page);
}

#[test]
fn r9_a_hostile_name_cannot_break_out_of_its_sentence() {
    let mut recorded = samples::enumerated("B-1");
    let strongroom_model::Event::TimesheetEnumerated(data) = &mut recorded.event else { panic!("it is enumerated") };
    data.filename = "a\r\n\u{1b}[31m\u{202e}fdp.exe".to_owned();
    let text = sentence(&recorded);
    assert!(text.contains(r"“a\r\n\u{1b}[31m\u{202e}fdp.exe”"), "{text}");
}

#[test]
fn a_failure_says_when_it_is_tried_again_or_what_a_person_does() {
    let passing = sentence(&samples::failed("B-1", Some("2026-11-20T23:00:30Z")));
    assert!(passing.contains("It is tried again at 2026-11-20 23:00:30 UTC."), "{passing}");
    let stuck = sentence(&samples::failed("B-1", None));
    assert!(stuck.contains("It needs a person: "), "{stuck}");
}
