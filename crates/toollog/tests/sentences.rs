//! What people read of each log: every shape of log that is known, in one table.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::path::PathBuf;

use strongroom_toollog::{Outcome, Report, Tool, adopt, read, recognise};

fn fixtures() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn report(name: &str) -> Report {
    read(&fixture(name)[..]).unwrap()
}

#[test]
fn every_log_is_said_in_one_sentence() {
    let mut page = String::new();
    for path in fixtures() {
        let report = read(&std::fs::read(&path).unwrap()[..]).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let tool = report.tool.map_or("nothing", Tool::as_str);
        writeln!(page, "{name} ({tool}, {}):\n    {}", report.outcome().as_str(), report.sentence()).unwrap();
        if let Some(step) = report.runs.last().and_then(|run| run.verdict.next_step.as_deref()) {
            writeln!(page, "    next: {step}").unwrap();
        }
        assert!(report.sentence().chars().count() <= 300);
    }
    insta::assert_snapshot!(page);
}

#[test]
fn every_exit_code_is_said_in_one_sentence() {
    let mut page = String::new();
    let cases: [(&str, &[i64]); 4] = [
        ("robocopy-en-copied.log", &[-1, 0, 1, 3, 4, 8, 9, 16, 17, 32, 1_073_807_364]),
        ("rsync-copied.log", &[-15, 0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 19, 20, 23, 24, 25, 30, 35, 99]),
        ("rclone-copied.log", &[-9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 99, 130]),
        ("restic-backup.log", &[-2, 0, 1, 2, 3, 10, 11, 12, 99, 130]),
    ];
    for (name, codes) in cases {
        for &code in codes {
            let report = report(name).with_exit_code(code);
            let last = report.runs.last().unwrap();
            let cause = last.verdict.cause.map_or("-", |cause| cause.as_str());
            let retry = format!("{:?}", last.verdict.retry).to_lowercase();
            writeln!(page, "{name} {code}: {} {cause} {retry}\n    {}", report.outcome().as_str(), report.sentence())
                .unwrap();
        }
    }
    insta::assert_snapshot!(page);
}

#[test]
fn a_report_is_json_for_programs() {
    insta::assert_json_snapshot!(report("rsync-unreadable.log"));
    insta::assert_json_snapshot!(report("robocopy-zh-failed.log"));
}

#[test]
fn a_failed_run_in_another_encoding_than_the_first_is_seen() {
    let (good, bad) = (fixture("robocopy-en-copied.log"), fixture("robocopy-en-no-network.log"));
    let wide = |bytes: &[u8]| -> Vec<u8> {
        let text = format!("\u{feff}{}", String::from_utf8_lossy(bytes));
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    for log in [[wide(&good), bad.clone()], [good.clone(), wide(&bad)]] {
        let report = read(&log.concat()[..]).unwrap();
        assert_eq!((report.runs_total, report.outcome()), (2, Outcome::Obstructed), "{}", report.sentence());
    }
    let killed = [wide(&fixture("robocopy-en-cut.log")), b"Terminate batch job (Y/N)?\n".to_vec(), wide(&good)];
    let report = read(&killed.concat()[..]).unwrap();
    assert_eq!((report.runs_total, report.runs_bad, report.outcome()), (2, 1, Outcome::Done));
}

fn text_report(text: &str) -> Report {
    read(text.as_bytes()).unwrap()
}

#[test]
fn a_source_without_an_entry_is_not_a_run_without_a_change() {
    let report = text_report(
        "\nNumber of files: 0\nNumber of created files: 0\n\nsent 19 bytes  received 12 bytes  62.00 bytes/sec\ntotal size is 0  speedup is 0.00\n",
    );
    assert_eq!(report.outcome(), Outcome::Failed, "{}", report.sentence());
    assert!(report.sentence().contains("it may be missing"));
}

#[test]
fn totals_alone_do_not_say_that_nothing_was_copied() {
    let totals =
        "sent 314.89M bytes  received 10.37K bytes  12.85M bytes/sec\ntotal size is 314.82M  speedup is 1.00\n";
    let code = "rsync warning: some files vanished before they could be transferred (code 24) at main.c(1189) [sender=3.1.3]\n";
    for text in
        [totals.to_owned(), format!("{totals}{code}"), format!("sending incremental file list\na.txt\n\n{totals}")]
    {
        let report = text_report(&text);
        assert!(report.sentence().contains("does not list what was copied"), "{}", report.sentence());
    }
    assert!(text_report(&format!("{totals}{code}")).sentence().contains("vanished"));
    let listed = text_report(&format!("sending incremental file list\n\n{totals}"));
    assert_eq!(listed.outcome(), Outcome::Nothing);
}

#[test]
fn what_comes_after_a_good_run_is_seen() {
    let good = String::from_utf8(fixture("rsync-copied.log")).unwrap();
    let missing = "rsync: [sender] change_dir \"/srv/nosuch\" failed: No such file or directory (2)\n";
    let report = text_report(&format!("{good}{missing}"));
    assert_eq!((report.runs_total, report.outcome()), (2, Outcome::Failed), "{}", report.sentence());
    for killed in ["Killed", "Terminated", "night.sh: line 3:  4711 Killed                  rsync -a a b"] {
        let report = text_report(&format!("{good}{killed}\n"));
        assert_eq!((report.outcome(), report.runs_bad), (Outcome::Cancelled, 1), "{}", report.sentence());
        assert_eq!(text_report(&format!("{killed}\n{good}")).outcome(), Outcome::Done);
    }
}

#[test]
fn a_dry_run_is_not_done() {
    for name in ["rsync-dry-run.log", "rclone-dry-run.log", "restic-dry-run.log"] {
        let report = report(name);
        assert_eq!(report.outcome(), Outcome::Nothing, "{name}");
        assert!(report.sentence().starts_with("A dry run: nothing was copied."), "{}", report.sentence());
        let plan = report.runs.last().unwrap().plan();
        assert_eq!(plan.outcome, Outcome::Done, "{name}");
        assert!(!plan.sentence.contains("dry run"), "{name}: {}", plan.sentence);
    }
}

#[test]
fn a_check_says_whether_the_data_was_read() {
    let begun =
        "create exclusive lock for repository\nload indexes\ncheck all packs\ncheck snapshots, trees and blobs\n";
    for (read, words) in [
        ("", "its data was not read"),
        ("read all data\n", "all of its data read"),
        ("read group #1 of 12 data packs (out of total 120 packs in 12 groups)\n", "a part of its data read"),
    ] {
        let report = text_report(&format!("{begun}{read}no errors were found\n"));
        assert!(report.sentence().contains(words), "{}", report.sentence());
    }
}

#[test]
fn outcome_and_sentence_of_a_mixed_log_are_of_the_same_run() {
    let (bad, good) = (fixture("rsync-no-source.log"), fixture("restic-backup.log"));
    for log in [[bad.clone(), good.clone()], [good, bad]] {
        let report = read(&log.concat()[..]).unwrap();
        assert_eq!(report.outcome(), Outcome::Failed);
        assert!(report.sentence().contains("rsync: It failed: the source is not there"), "{}", report.sentence());
    }
    let both = [fixture("restic-backup.log"), fixture("rsync-copied.log")].concat();
    assert!(read(&both[..]).unwrap().sentence().ends_with("2 files copied."));
}

#[test]
fn totals_that_do_not_add_up_are_not_done() {
    let good = String::from_utf8(fixture("robocopy-en-copied.log")).unwrap();
    let rows = |text: &str| -> String {
        let row = |line: &str| {
            if line.trim_start().starts_with("Files :") && line.split_whitespace().count() > 5 {
                "   Files :       999         1       750         0         0         0".to_owned()
            } else {
                line.to_owned()
            }
        };
        text.lines().map(row).collect::<Vec<_>>().join("\n")
    };
    let report = text_report(&rows(&good));
    assert_eq!(report.outcome(), Outcome::Failed, "{}", report.sentence());
    assert!(report.sentence().contains("248"), "{}", report.sentence());
}

#[test]
fn an_unknown_exit_code_is_a_failure() {
    for name in ["rsync-copied.log", "rclone-copied.log", "restic-backup.log"] {
        for code in [36, 77, 200] {
            assert_eq!(report(name).with_exit_code(code).outcome(), Outcome::Failed, "{name} {code}");
        }
    }
}

#[test]
fn a_good_exit_code_does_not_make_a_cut_robocopy_log_good() {
    assert_eq!(report("robocopy-en-cut.log").with_exit_code(1).outcome(), Outcome::Failed);
}

#[test]
fn a_good_exit_code_ends_a_log_of_rsync_that_has_no_summary() {
    assert_eq!(report("rsync-cut.log").outcome(), Outcome::Failed);
    assert_eq!(report("rsync-cut.log").with_exit_code(0).outcome(), Outcome::Done);
}

#[test]
fn a_retry_that_succeeds_is_no_failure() {
    let report = report("robocopy-en-retried.log");
    assert_eq!((report.outcome(), report.runs[0].items_total), (Outcome::Done, 0));
}

#[test]
fn a_name_that_is_not_utf_8_is_carried_exactly() {
    let report = report("rsync-unreadable.log");
    assert_eq!(report.runs[0].items[0].path_b64.as_deref(), Some("L3Nydi9kYXRhL2NhZuk="));
}

#[test]
fn a_log_needs_nothing_installed_to_be_adopted() {
    assert_eq!(recognise(&fixture("robocopy-de-mirror.log")), Some(Tool::Robocopy));
    assert_eq!(recognise(&fixture("other-kopia.log")), None);
    assert_eq!(adopt(&fixture("rsync-copied.log"), None), "2 files copied.");
    assert_eq!(adopt(&fixture("rsync-copied.log"), Some(12)), "It could not run: the connection broke off (code 12).");
}
