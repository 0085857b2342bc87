//! Logs from outside: nothing panics, and nothing grows with the input.

use proptest::prelude::*;
use strongroom_toollog::items::MAX_ITEMS;
use strongroom_toollog::read::MAX_RUNS;
use strongroom_toollog::{Reading, Report, read};

/// Pieces of real lines, for random logs that come close to real ones.
const PIECES: [&str; 40] = [
    "   ROBOCOPY     ::     x",
    "\t    New File  \t\t 1\t",
    "C:\\a",
    "\\\\nas\\x",
    "2026/11/23 20:15:01 ERROR 5 (0x00000005) ",
    "ERROR: ",
    "Files : ",
    "1 2 3 4 5 6",
    "5.5 g ",
    "  Options : *.* /R:1 /MIR /L /NJS",
    "-----------------------------",
    "Dest -",
    ">f+++++++++ ",
    "*deleting   ",
    "rsync: [sender] ",
    "\"/x\" failed: y (13)",
    "rsync error: x (code ",
    "23) at main.c(1) [sender=3.5.0]",
    "file has vanished: \"",
    "total size is 1  speedup is 1",
    "Number of files: ",
    "sent 1 bytes  received ",
    "\\#351",
    "{\"level\":\"error\",\"msg\":\"",
    "\",\"object\":\"",
    "\"}",
    "{\"stats\":{\"transfers\":1}}",
    "2026/11/23 11:30:06 ",
    "Failed to copy: ",
    "Transferred: 1 B / 1 B",
    "{\"message_type\":\"summary\"}",
    "{\"message_type\":\"status\",\"percent_done\":0}",
    "{\"message_type\":\"exit_error\",\"code\":1}",
    "Fatal: ",
    "= a",
    "* b",
    "\r\u{1b}[2K",
    "é😀\u{202e}\u{feff}",
    "99999999999999999999999 ",
    "%",
];

fn check(report: &Report) {
    for text in report.runs.iter().map(|run| &run.verdict.sentence).chain([&report.sentence()]) {
        assert!(text.chars().count() <= 300, "{text}");
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
    assert!(report.runs.len() <= MAX_RUNS);
    assert!(report.runs.iter().all(|run| run.items.len() <= MAX_ITEMS));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..5_000), code in any::<i64>()) {
        check(&read(&bytes[..]).unwrap());
        check(&read(&bytes[..]).unwrap().with_exit_code(code));
    }

    #[test]
    fn no_pieces_of_real_logs_make_it_panic(
        pieces in proptest::collection::vec((0..PIECES.len(), prop_oneof![Just(""), Just("\n"), Just("\r\n")]), 0..200),
        code in -20_i64..300,
    ) {
        let text: String = pieces.iter().flat_map(|&(piece, end)| [PIECES[piece], end]).collect();
        check(&read(text.as_bytes()).unwrap());
        check(&read(text.as_bytes()).unwrap().with_exit_code(code));
        let mut one = Reading::of_one_run();
        one.push(text.as_bytes());
        check(&one.finish());
    }
}

/// How a log of any length is made without holding it.
fn read_repeated(head: &str, line: impl Fn(u64) -> String, lines: u64, tail: &str) -> Report {
    let mut reading = Reading::default();
    reading.push(head.as_bytes());
    for number in 0..lines {
        reading.push(line(number).as_bytes());
    }
    reading.push(tail.as_bytes());
    reading.finish()
}

#[test]
fn a_million_failed_files_are_counted_and_a_hundred_are_kept() {
    let line =
        |number| format!("rsync: [sender] send_files failed to open \"/srv/{number}\": Permission denied (13)\n");
    let report = read_repeated("", line, 100_000, "total size is 0  speedup is 0.00\n");
    assert_eq!(report.runs[0].items_total, 100_000);
    check(&report);
}

#[test]
fn a_log_of_many_runs_keeps_the_last_ones_and_counts_all() {
    let line =
        |_| "building file list\n>f+++++++++ a\nrsync: x \"/a\": b (1)\ntotal size is 1  speedup is 1.00\n".to_owned();
    let report = read_repeated("", line, 5_000, "");
    assert_eq!((report.runs_total, report.runs_bad, report.runs.len()), (5_000, 5_000, MAX_RUNS));
    let items: usize = report.runs.iter().map(|run| run.items.len()).sum();
    assert_eq!((items, report.runs.last().unwrap().items.len()), (MAX_RUNS, 1));
}

#[test]
fn one_line_without_an_end_is_cut() {
    let report = read_repeated("{\"message_type\":\"summary\",\"x\":\"", |_| "y".repeat(1_000), 10_000, "");
    assert_eq!(report.lines_cut, 1);
    check(&report);
}

#[test]
fn deep_json_is_not_followed() {
    let deep = format!("{{\"message_type\":{}", "[".repeat(50_000));
    check(&read(deep.as_bytes()).unwrap());
}
