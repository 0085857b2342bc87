//! What the benchmark of `replay` measures, in small: that it is right, not how fast.

use strongroom_tests::site::Site;

#[path = "../../benches/pipeline/replay.rs"]
#[expect(dead_code, clippy::print_stdout, reason = "the benchmark's own file")]
mod bench;

#[test]
fn a_long_log_is_replayed_to_its_counts_in_little_memory_as_of_any_position() {
    let site = Site::new();
    let events = bench::fill(&site.path("data/log.sqlite"), bench::QUICK_EVENTS);
    let state = |as_of: u64| {
        let as_of = as_of.to_string();
        let took = bench::replayed(&site, &["replay", "--as-of", &as_of, "--summary", "--json"]);
        assert!(took.peak_mib > 0.0 && took.peak_mib < 200.0, "{} MiB", took.peak_mib);
        serde_json::from_str::<serde_json::Value>(&took.stdout).unwrap()["state"].take()
    };
    let all = state(events - 1);
    assert_eq!((&all["events"], &all["illegal"]), (&events.into(), &0.into()), "{all}");
    // Each run has two events, and each of its 100 bookings five; the drive is the first event.
    let runs = (events - 1) / 502;
    assert_eq!(all["bookings"]["archived"], runs * 100, "{all}");
    let half = state(1 + runs / 2 * 502 - 1);
    assert_eq!((&half["bookings"]["archived"], &half["illegal"]), (&(runs / 2 * 100).into(), &0.into()), "{half}");
    let sentences = bench::replayed(&site, &["replay", "--as-of", "999"]).stdout;
    assert_eq!(sentences.lines().filter(|line| line.contains('#')).count(), 1000, "one for each event");
}
