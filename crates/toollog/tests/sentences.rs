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
