//! cronsim says when Debian's cron, whose rules for changes of the clock are cronie's, would run a job.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use fastrand::Rng;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use strongroom_calendar::Cron;
use strongroom_servers::python::{output, printed, python};

use crate::{ZONES, random};

const PACKAGE: &str = "cronsim==2.8";

/// A field, often `*`.
fn field(rng: &mut Rng, low: u32, high: u32) -> String {
    match rng.u32(0..6) {
        0..=1 => "*".to_owned(),
        2 => format!("*/{}", rng.u32(1..=high)),
        _ => random::items(rng, low, high, "-", true),
    }
}

fn expression(rng: &mut Rng) -> String {
    // One in three days and months is free, so that most expressions match within some years.
    let hour = if rng.bool() { "2".to_owned() } else { field(rng, 0, 23) };
    let (minute, day) = (field(rng, 0, 59), field(rng, 1, 31));
    let month = if rng.u32(0..3) > 0 { "*".to_owned() } else { field(rng, 1, 12) };
    format!("{minute} {hour} {day} {month} {}", field(rng, 0, 7))
}

/// A line for each question: zone, start in Unix seconds, expression, how many; and what we say.
fn questions(count: usize) -> (String, String) {
    let mut rng = Rng::with_seed(7);
    let (mut questions, mut ours) = (String::new(), String::new());
    for index in 0..count {
        let (zone, expression) = (ZONES[index % ZONES.len()], expression(&mut rng));
        let cron = Cron::parse(&expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        if cron.never_happens() {
            continue;
        }
        let start = random::hour(&mut rng);
        let zone_rules = TimeZone::get(zone).unwrap();
        // Within a repeated hour cronsim forgets which of the two it is: questions start clear of one.
        let start = if zone_rules.to_ambiguous_zoned(zone_rules.to_datetime(at(start))).is_ambiguous() {
            start + 7200
        } else {
            start
        };
        writeln!(questions, "{zone}\t{start}\t{expression}").unwrap();
        let mut from = at(start);
        for _ in 0..20 {
            from = cron.next_after(from, &zone_rules).unwrap_or_else(|| panic!("{expression} in {zone} after {from}"));
            write!(ours, "{} ", from.as_second()).unwrap();
        }
        writeln!(ours, "{zone}\t{start}\t{expression}").unwrap();
    }
    (questions, ours)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn cronsim_finds_the_same_times_in_every_zone_across_changes_of_the_clock() {
    let python = python(Path::new(env!("CARGO_TARGET_TMPDIR")), &[PACKAGE]);
    let (questions, ours) = questions(1_500);
    let folder = tempfile::tempdir().unwrap();
    let asked = folder.path().join("questions");
    std::fs::write(&asked, questions).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles/ask_cronsim.py");
    let output = output(Command::new(python).arg(script).arg(asked));
    assert!(output.status.success(), "{}", printed(&output));
    let theirs = String::from_utf8(output.stdout).unwrap();
    assert!(theirs.lines().count() > 1_000, "the script answers: {} lines", theirs.lines().count());
    for (ours, theirs) in ours.lines().zip(theirs.lines()) {
        assert_eq!(ours, theirs, "ours to the left");
    }
    assert_eq!(ours.lines().count(), theirs.lines().count());
}
