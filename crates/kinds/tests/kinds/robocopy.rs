//! `robocopy`, with a stand-in that copies and writes a log as robocopy does, in UTF-16 and in German.

use std::fs;

use serde_json::json;
use strongroom_plugin::protocol::ItemOutcome;

use crate::rig::{Job, tree};

/// Takes robocopy's arguments, copies, deletes if told to, and writes its log and its return code.
const STAND_IN: &str = concat!("exec python3 ", env!("CARGO_MANIFEST_DIR"), "/tests/kinds/robocopy.py \"$@\"");

fn job() -> Job {
    let job = Job::new("robocopy");
    job.write("source/a.txt", "a");
    job.write("source/sub/b.txt", "bb");
    let executable = job.script("robocopy", STAND_IN);
    job.with("executable", json!(executable))
}

#[test]
fn a_folder_is_planned_copied_and_proven() {
    let mut job = job();
    assert_eq!(job.validate().report.problems, []);
    let plan = job.plan();
    assert_eq!((plan.outcome(), plan.report.counts.copied), ("done", 2), "{}", plan.report.sentence);
    assert!(tree(&job.at("target")).is_empty());
    let run = job.run();
    assert_eq!((run.outcome(), run.report.counts.copied, run.report.sentence.as_str()), ("done", 2, "2 files copied."));
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.report.counts.proven), ("done", 2));
    assert_eq!(job.run().outcome(), "nothing");
    job.flip("target/a.txt");
    job.state["transferred_at_s"] = json!(job.state["transferred_at_s"].as_i64().unwrap() + 60);
    assert!(job.verify().has("a.txt", ItemOutcome::Differs));
}

#[test]
fn nothing_is_deleted_beyond_the_bound() {
    let mut job = job().with("delete", json!(true));
    job.limits.max_delete = 2;
    job.run();
    for number in 0..3 {
        job.write(&format!("target/old{number}"), "x");
    }
    job.write("source/new", "x");
    assert_eq!(job.plan().report.counts.deleted, 3);
    let run = job.run();
    assert_eq!((run.outcome(), run.cause()), ("failed", "would-delete-too-much"), "{}", run.report.sentence);
    assert!(job.at("target/old0").exists() && job.at("target/new").exists());
    job.limits.max_delete = 3;
    let run = job.run();
    assert_eq!((run.outcome(), run.report.counts.deleted), ("done", 3), "{}", run.report.sentence);
    assert_eq!(tree(&job.at("source")), tree(&job.at("target")));
}

#[test]
fn an_empty_or_missing_source_deletes_nothing() {
    let mut job = job().with("delete", json!(true));
    job.limits.max_delete = 1_000;
    job.run();
    fs::rename(job.at("source"), job.at("away")).unwrap();
    assert_eq!(job.run().cause(), "source-missing");
    fs::create_dir(job.at("source")).unwrap();
    assert_eq!(job.run().cause(), "source-empty");
    assert!(job.at("target/a.txt").exists());
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.cause()), ("failed", "source-empty"), "{}", proof.report.sentence);
}

#[test]
fn every_return_code_without_a_log_is_a_failure_or_a_stop() {
    let mut job = job();
    for (code, outcome) in [(0, "failed"), (1, "failed"), (8, "failed"), (16, "failed"), (255, "cancelled")] {
        job.config["executable"] = json!(job.script("silent", &format!("exit {code}")));
        assert_eq!(job.run().outcome(), outcome, "{code}");
    }
}

#[test]
fn what_is_left_out_is_not_missed_by_the_proof_and_what_is_missing_is() {
    let mut job = job().with("exclude_files", json!(["*.tmp"]));
    job.run();
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.report.counts.proven), ("done", 2), "{}", proof.report.sentence);
    fs::remove_file(job.at("target/a.txt")).unwrap();
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.report.counts.proven, proof.report.counts.skipped), ("partial", 1, 1));
}

#[test]
fn it_is_said_that_windows_has_it() {
    let mut job = job().with("executable", json!("no-such-robocopy"));
    assert_eq!(job.validate().pointers(), ["/executable"]);
    assert_eq!(job.run().cause(), "tool-missing");
}
