//! `rclone`, with the rclone of the system, and remotes that are folders.

use std::fs;

use serde_json::json;
use strongroom_plugin::protocol::{ItemOutcome, ReadBack};

use crate::rig::{Job, tree};

fn job() -> Job {
    let job = Job::new("rclone");
    job.write("source/a.txt", "a");
    job.write("source/sub/ü b.txt", "bb");
    job.write("source/sub/-c", vec![7; 100_000]);
    let target = job.at("target");
    let target = target.to_str().unwrap();
    // A remote that has hashes, and one that has none.
    let config = format!(
        "[plain]\ntype = alias\nremote = {target}\n\n[sealed]\ntype = crypt\nremote = {target}\npassword = {HIDDEN}\n"
    );
    job.write("rclone.conf", config);
    let file = job.at("rclone.conf").to_str().unwrap().to_owned();
    job.with("config_file", json!(file))
}

/// A word as `rclone obscure` hides it.
const HIDDEN: &str = "apugDZ6pntSsoVVV92ag9sc2kd0Wu3kXa3ReZTpkLYopvVXL";

fn mirror(max_delete: u64) -> Job {
    let mut job = job().with("delete", json!(true));
    job.limits.max_delete = max_delete;
    job
}

#[test]
fn a_folder_is_planned_copied_and_proven() {
    let mut job = job();
    assert!(job.validate().report.problems.is_empty());
    let plan = job.plan();
    assert_eq!((plan.outcome(), plan.report.counts.copied), ("done", 3), "{}", plan.report.sentence);
    assert!(tree(&job.at("target")).is_empty(), "a plan writes nothing");
    let run = job.run();
    assert_eq!((run.outcome(), run.report.counts.copied), ("done", 3), "{}", run.report.sentence);
    assert_eq!(tree(&job.at("source")), tree(&job.at("target")));
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.report.counts.proven), ("done", 3));
    assert_eq!(proof.report.evidence.unwrap().method, "sha256");
    assert_eq!(job.run().outcome(), "nothing");
    job.flip("target/sub/-c");
    job.state["transferred_at_s"] = json!(job.state["transferred_at_s"].as_i64().unwrap() + 60);
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.cause()), ("failed", "differs"));
    assert!(proof.has("sub/-c", ItemOutcome::Differs));
}

#[test]
fn a_remote_with_hashes_is_proven_by_them_and_one_without_by_downloading() {
    for (remote, method, read_back, words) in [
        ("plain:", "tool", ReadBack::Remote, "as both sides say it"),
        ("sealed:", "bytes", ReadBack::Cached, "by downloading every copy"),
    ] {
        let mut job = job().with("target", json!(remote));
        assert!(job.validate().report.problems.is_empty());
        assert_eq!(job.run().report.counts.copied, 3);
        let proof = job.verify();
        assert_eq!((proof.outcome(), proof.report.counts.proven), ("done", 3), "{}", proof.report.sentence);
        assert!(proof.report.sentence.contains(words), "{}", proof.report.sentence);
        let evidence = proof.report.evidence.unwrap();
        assert_eq!((evidence.method.as_str(), evidence.read_back), (method, read_back));
    }
    let mut job = job().with("target", json!("plain:"));
    job.run();
    job.flip("target/a.txt");
    fs::remove_file(job.at("target/sub/-c")).unwrap();
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.cause()), ("failed", "differs"));
    assert!(proof.has("a.txt", ItemOutcome::Differs) && proof.has("sub/-c", ItemOutcome::Failed));
    let counts = proof.report.counts;
    assert_eq!((counts.proven, counts.mismatched, counts.failed), (1, 1, 1));
}

#[test]
fn r10_a_proof_of_an_empty_source_says_that_it_is_empty() {
    for target in ["", "plain:"] {
        let mut job = job();
        if !target.is_empty() {
            job.config["target"] = json!(target);
        }
        fs::remove_dir_all(job.at("source")).unwrap();
        fs::create_dir(job.at("source")).unwrap();
        job.run();
        let proof = job.verify();
        assert_eq!((proof.outcome(), proof.cause()), ("failed", "source-empty"), "{}", proof.report.sentence);
        assert!(proof.report.next_step.unwrap().contains("mounted"));
    }
}

#[test]
fn nothing_is_deleted_beyond_the_bound() {
    let mut job = mirror(2);
    job.run();
    for number in 0..3 {
        job.write(&format!("target/old{number}"), "x");
    }
    job.write("source/new", "x");
    assert_eq!(job.plan().report.counts.deleted, 3);
    let run = job.run();
    assert_eq!((run.outcome(), run.cause()), ("failed", "would-delete-too-much"), "{}", run.report.sentence);
    assert_eq!(run.report.counts.deleted, 0);
    assert!(job.at("target/old0").exists() && job.at("target/new").exists());
    job.limits.max_delete = 3;
    let run = job.run();
    assert_eq!((run.outcome(), run.report.counts.deleted), ("done", 3), "{}", run.report.sentence);
    assert_eq!(tree(&job.at("source")), tree(&job.at("target")));
    job.state["deletions"] = json!([1, 1, 1]);
    job.limits.max_delete = 1_000;
    for number in 0..20 {
        job.write(&format!("target/old{number}"), "x");
    }
    assert!(job.run().report.sentence.contains("where 1 are usual"));
}

#[test]
fn an_empty_or_missing_source_deletes_nothing() {
    let mut job = mirror(1_000);
    job.run();
    let before = tree(&job.at("target"));
    fs::rename(job.at("source"), job.at("away")).unwrap();
    assert_eq!(job.run().cause(), "source-missing");
    fs::create_dir(job.at("source")).unwrap();
    assert_eq!(job.run().cause(), "source-empty");
    job.config["target"] = json!("plain:");
    assert_eq!(job.run().cause(), "source-empty");
    assert_eq!(tree(&job.at("target")), before);
}

#[test]
fn links_that_are_left_out_are_said() {
    let mut job = job();
    std::os::unix::fs::symlink("nowhere", job.at("source/dangling")).unwrap();
    let run = job.run();
    assert_eq!(run.outcome(), "done");
    assert!(run.report.sentence.ends_with("1 symbolic link was left out."), "{}", run.report.sentence);
}

#[test]
fn exit_codes_of_the_real_rclone_are_judged() {
    for (key, value, outcome, cause) in [
        ("source", json!("plain:nowhere"), "failed", "source-missing"),
        ("options", json!(["--no-such-option"]), "failed", "usage-error"),
        ("options", json!(["--max-transfer=1Ki", "--cutoff-mode=hard", "--transfers=1"]), "partial", "limit-reached"),
        ("options", json!(["--max-duration=1ns"]), "partial", "limit-reached"),
        ("target", json!("nosuchremote:x"), "failed", "tool-failed"),
    ] {
        let mut job = job().with(key, value.clone());
        let run = job.run();
        assert_eq!((run.outcome(), run.cause()), (outcome, cause), "{value}: {}", run.report.sentence);
    }
    let mut job = job().with("options", json!(["--error-on-no-transfer"]));
    assert_eq!(job.run().outcome(), "done");
    let run = job.run();
    assert_eq!((run.outcome(), run.report.tool.unwrap().exit_code), ("nothing", Some(9)));
}

#[test]
fn every_exit_code_is_judged_by_its_table() {
    let mut job = job();
    for (code, outcome) in [
        (1, "failed"),
        (2, "failed"),
        (3, "failed"),
        (4, "failed"),
        (5, "obstructed"),
        (6, "partial"),
        (7, "failed"),
        (99, "failed"),
    ] {
        job.config["executable"] = json!(job.script("stand-in", &format!("exit {code}")));
        assert_eq!(job.run().outcome(), outcome, "{code}");
    }
}

#[test]
fn settings_that_cannot_work_are_pointed_at() {
    let mut job = job();
    let target = job.config["target"].clone();
    for (key, value, pointer) in [
        ("target", job.config["source"].clone(), "/target"),
        ("source", json!("/nowhere"), "/source"),
        ("source", target, "/target"),
        ("options", json!(["--max-delete=9"]), "/options"),
        ("executable", json!("no-such-rclone"), "/executable"),
        ("executable", json!("true"), "/executable"),
        ("download", json!("yes"), "/download"),
    ] {
        let before = job.config.clone();
        job.config[key] = value;
        assert_eq!(job.validate().pointers(), [pointer], "{:?}", job.config);
        job.config = before;
    }
}

#[test]
fn the_password_of_the_configuration_is_nowhere_but_in_rclones_environment() {
    let mut job = job();
    job.secrets = vec![("config_password", "canary-secret")];
    let script = "echo \"$RCLONE_CONFIG_PASS\" >\"$0.seen\"; echo \"$@\" >\"$0.args\"; exit 1";
    job.config["executable"] = json!(job.script("stand-in", script));
    let run = job.run();
    assert_eq!(fs::read_to_string(job.at("stand-in.seen")).unwrap(), "canary-secret\n");
    assert!(!fs::read_to_string(job.at("stand-in.args")).unwrap().contains("canary"));
    assert!(!run.text.contains("canary"));
}
