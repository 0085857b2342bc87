//! `systemd-analyze calendar` says when systemd would start a timer.

use std::process::Command;

use fastrand::Rng;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use strongroom_calendar::OnCalendar;
use strongroom_servers::python::{output, printed};

use crate::{ZONES, random};

/// How many times are compared for each expression.
const ITERATIONS: usize = 8;

fn component(rng: &mut Rng, low: u32, high: u32) -> String {
    match rng.u32(0..5) {
        0..=1 => "*".to_owned(),
        2 => format!("{}/{}", rng.u32(low..=high), rng.u32(1..=high)),
        _ => random::items(rng, low, high, "..", true),
    }
}

fn expression(rng: &mut Rng) -> String {
    let weekdays = ["", "", "", "Mon..Fri ", "Sat,Sun ", "tue ", "Wed..Thu,Sunday "][rng.usize(0..7)];
    let year = ["*-", "*-", "", "2027..2199/2-"][rng.usize(0..4)];
    let month = if rng.bool() { "*".to_owned() } else { component(rng, 1, 12) };
    // In a list of days from the end systemd lowers the bound of 28 by 3 with each alternative.
    let day =
        if rng.u32(0..3) == 0 { format!("~{}", component(rng, 1, 22)) } else { format!("-{}", component(rng, 1, 31)) };
    let hour = if rng.bool() { "2".to_owned() } else { component(rng, 0, 23) };
    let second = [String::new(), ":0/20".to_owned(), format!(":{}", component(rng, 0, 59))][rng.usize(0..3)].clone();
    format!("{weekdays}{year}{month}{day} {hour}:{}{second}", component(rng, 0, 59))
}

/// The instants that the program prints, in a zone of its environment that is not UTC: `Next elapse: …` and `Iter. #2: …`
/// in that zone, and below each `(in UTC): Thu 2026-01-01 12:00:00 UTC`.
fn times(printed: &str) -> Vec<String> {
    let in_utc = printed.lines().filter(|line| line.trim_start().starts_with("(in UTC):"));
    in_utc.map(|line| line.split_whitespace().skip(3).take(2).collect::<Vec<_>>().join("T") + "Z").collect()
}

#[test]
fn systemd_finds_the_same_times_in_every_zone_across_changes_of_the_clock() {
    let mut rng = Rng::with_seed(11);
    let (mut compared, mut refused) = (0, 0);
    for index in 0..400 {
        let (zone_name, expression) = (ZONES[index % 5], expression(&mut rng));
        let zone = TimeZone::get(zone_name).unwrap();
        let mut start = Timestamp::from_second(random::hour(&mut rng)).unwrap();
        // Which of two repeated hours the C library means depends on what it was asked before.
        if zone.to_ambiguous_zoned(zone.to_datetime(start)).is_ambiguous() {
            start += jiff::SignedDuration::from_hours(2);
        }
        let base = start.strftime("--base-time=%Y-%m-%d %H:%M:%S UTC").to_string();
        let iterations = format!("--iterations={ITERATIONS}");
        let mut command = Command::new("systemd-analyze");
        command.env("LC_ALL", "C").env("TZ", zone_name).args(["calendar", &base, &iterations, "--", &expression]);
        let output = output(&mut command);
        let Ok(ours) = OnCalendar::parse(&expression) else {
            assert!(!output.status.success(), "{expression}: systemd reads it: {}", printed(&output));
            refused += 1;
            continue;
        };
        assert!(output.status.success(), "{expression}: systemd does not read it: {}", printed(&output));
        let ours: Vec<_> = ours.between(start, Timestamp::MAX, &zone).take(ITERATIONS).collect();
        let ours: Vec<_> = ours.iter().map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).collect();
        let said = printed(&output);
        assert_eq!(ours, times(&said), "{expression} in {zone_name} after {start}\n{said}");
        compared += usize::from(!ours.is_empty());
    }
    assert!(compared > 200 && refused > 10, "{compared} compared, {refused} refused by both");
}
