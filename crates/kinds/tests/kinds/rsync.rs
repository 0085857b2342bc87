//! `rsync`, with the rsync of the system.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use serde_json::{Value, json};
use strongroom_plugin::protocol::{ItemOutcome, ReadBack};

use crate::rig::{Job, tree};

fn job() -> Job {
    let job = Job::new("rsync");
    job.write("source/a.txt", "a");
    job.write("source/sub/ü ' b.txt", "bb");
    job.write("source/sub/-c", vec![7; 100_000]);
    job
}

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
    assert_eq!((plan.outcome(), plan.report.counts.copied), ("done", 3));
    assert!(tree(&job.at("target")).is_empty(), "a plan writes nothing");
    let run = job.run();
    assert_eq!((run.outcome(), run.report.counts.copied, run.report.counts.seen), ("done", 3, 3));
    assert_eq!(tree(&job.at("source")), tree(&job.at("target")));
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.report.counts.proven), ("done", 3));
    let evidence = proof.report.evidence.unwrap();
    assert_eq!((evidence.method.as_str(), evidence.files, evidence.bytes), ("sha256", 3, 100_003));
    assert_ne!(evidence.read_back, ReadBack::Unknown);
    assert_eq!(evidence.coverage.as_deref(), Some("every file was read"));
    assert_eq!(job.run().outcome(), "nothing", "the second run finds nothing to do");
}

#[test]
fn a_flipped_byte_and_a_missing_copy_are_found() {
    let mut job = job();
    job.run();
    job.flip("target/sub/-c");
    fs::remove_file(job.at("target/a.txt")).unwrap();
    // Long after the files were written: they are no newer than the transfer.
    job.state["transferred_at_s"] = json!(job.state["transferred_at_s"].as_i64().unwrap() + 60);
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.cause()), ("failed", "differs"));
    assert!(proof.has("sub/-c", ItemOutcome::Differs) && proof.has("a.txt", ItemOutcome::Failed));
    assert_eq!((proof.report.counts.mismatched, proof.report.counts.failed, proof.report.counts.proven), (1, 1, 1));
    let step = proof.report.next_step.unwrap();
    assert!(step.contains("delete their copies"), "rsync compares no bytes, so it leaves a damaged copy: {step}");
}

#[test]
fn r10_a_few_files_that_changed_are_no_damage_and_are_said_to_be_unproven() {
    let mut job = job();
    for number in 0..200 {
        job.write(&format!("source/many/{number}"), number.to_string());
    }
    job.run();
    job.write("source/a.txt", "changed");
    job.write("source/new.txt", "new");
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.report.counts.proven, proof.report.counts.skipped), ("done", 202, 2));
    let sentence = &proof.report.sentence;
    assert!(sentence.contains("2 files changed since the last run and are not proven"), "{sentence}");
    assert_eq!(proof.report.evidence.unwrap().coverage.unwrap(), "every file but 2 that had changed was read");
    assert!(proof.items.iter().all(|item| item.outcome == ItemOutcome::Skipped) && proof.items.len() == 2);
}

#[test]
fn r10_a_copy_of_which_much_changed_is_not_proven_until_the_next_run() {
    // Many files, or few with most of the bytes.
    for paths in [&["a.txt", "sub/ü ' b.txt"][..], &["sub/-c"], &["a.txt", "sub/ü ' b.txt", "sub/-c"]] {
        let mut job = job();
        job.run();
        for path in paths {
            job.write(&format!("source/{path}"), vec![8; if *path == "sub/-c" { 100_001 } else { 9 }]);
        }
        let state = job.state.clone();
        let proof = job.verify();
        let proven = 3 - paths.len() as u64;
        assert_eq!((proof.outcome(), proof.cause(), proof.report.counts.proven), ("partial", "not-proven", proven));
        assert_eq!((proof.report.evidence, proof.report.counts.skipped), (None, paths.len() as u64));
        assert!(proof.report.sentence.contains("changed since the last run"), "{}", proof.report.sentence);
        assert!(proof.report.next_step.unwrap().contains("run the job"));
        assert_eq!(job.state, state, "no part is said to be read");
        job.run();
        assert_eq!(job.verify().outcome(), "done");
    }
}

#[test]
fn r10_a_proof_that_misses_copies_counts_no_part_as_read() {
    let mut job = job().with("exclude", json!(["*.tmp"]));
    job.run();
    fs::remove_file(job.at("target/a.txt")).unwrap();
    let state = job.state.clone();
    assert_eq!(job.verify().cause(), "not-proven");
    assert_eq!(job.state, state);
}

#[test]
fn a_part_is_read_by_each_proof_until_all_are() {
    let mut job = job().with("proof", json!({"parts": 3, "readers": 1}));
    for number in 0..30 {
        job.write(&format!("source/many/{number}"), number.to_string());
    }
    job.run();
    let mut proven = 0;
    for (part, words) in [(1, "1 of 3 parts"), (2, "2 of 3 parts"), (3, "every file was read within 1 day")] {
        let proof = job.verify();
        let evidence = proof.report.evidence.as_ref().unwrap();
        assert_eq!(evidence.sample.unwrap().part, part);
        assert!(evidence.coverage.as_ref().unwrap().contains(words), "{evidence:?}");
        proven += proof.report.counts.proven;
        // As if the copies were older: what was written since the last proof is read whatever its part.
        job.state["verified_at_s"] = json!(job.state["verified_at_s"].as_i64().unwrap() + 60);
    }
    assert_eq!(proven, 33);
}

#[test]
fn nothing_is_deleted_beyond_the_bound() {
    let mut job = mirror(2);
    job.run();
    for number in 0..3 {
        job.write(&format!("target/old{number}"), "x");
    }
    job.write("source/new", "x");
    let plan = job.plan();
    assert_eq!(plan.report.counts.deleted, 3);
    let run = job.run();
    assert_eq!((run.outcome(), run.cause()), ("failed", "would-delete-too-much"));
    assert_eq!((run.report.counts.deleted, run.report.counts.copied), (0, 1));
    assert!(job.at("target/old0").exists() && job.at("target/new").exists());
    job.limits.max_delete = 3;
    let run = job.run();
    assert_eq!((run.outcome(), run.report.counts.deleted), ("done", 3));
    assert_eq!(tree(&job.at("source")), tree(&job.at("target")));
}

#[test]
fn nothing_may_be_deleted_unless_a_bound_is_given() {
    let mut job = mirror(0);
    job.run();
    job.write("target/old", "x");
    assert_eq!(job.run().cause(), "would-delete-too-much");
    assert!(job.at("target/old").exists());
}

#[test]
fn ten_times_more_deletions_than_usual_are_a_persons_to_judge() {
    let mut job = mirror(1_000);
    job.run();
    job.state["deletions"] = json!([1, 2, 1]);
    for number in 0..30 {
        job.write(&format!("target/old{number}"), "x");
    }
    let run = job.run();
    assert_eq!(run.cause(), "would-delete-too-much");
    assert!(run.report.sentence.contains("where 1 are usual"), "{}", run.report.sentence);
    assert!(job.at("target/old0").exists());
}

#[test]
fn an_empty_or_missing_source_deletes_nothing() {
    let mut job = mirror(1_000);
    job.run();
    let before = tree(&job.at("target"));
    fs::rename(job.at("source"), job.at("away")).unwrap();
    let run = job.run();
    assert_eq!((run.outcome(), run.cause()), ("failed", "source-missing"));
    fs::create_dir_all(job.at("source/only/folders")).unwrap();
    let run = job.run();
    assert_eq!((run.outcome(), run.cause()), ("failed", "source-empty"));
    assert_eq!(tree(&job.at("target")), before);
}

#[test]
fn r10_a_proof_of_an_empty_source_says_that_it_is_empty() {
    let exclude = |pattern: &str| json!([pattern]);
    for (is_empty, exclude) in [(true, exclude("*.tmp")), (true, json!([])), (false, exclude("*"))] {
        let mut job = job().with("exclude", exclude);
        if is_empty {
            fs::remove_dir_all(job.at("source")).unwrap();
            fs::create_dir(job.at("source")).unwrap();
        }
        job.run();
        let proof = job.verify();
        assert_eq!((proof.outcome(), proof.cause()), ("failed", "source-empty"), "{}", proof.report.sentence);
        assert!(proof.report.sentence.contains("the source has no files"), "{}", proof.report.sentence);
        assert!(proof.report.next_step.unwrap().contains("mounted"));
        assert_eq!(job.state["verified_at_s"], json!(null));
    }
}

#[test]
fn a_target_that_is_not_there_is_an_obstacle_and_is_not_made() {
    let mut job = job();
    fs::remove_dir(job.at("target")).unwrap();
    for said in [job.plan(), job.run(), job.verify()] {
        assert_eq!((said.outcome(), said.cause()), ("obstructed", "target-missing"));
    }
    assert!(!job.at("target").exists());
}

#[test]
fn a_name_that_is_not_utf_8_is_copied_and_proven_and_named_exactly() {
    let mut job = job();
    let name = OsStr::from_bytes(b"caf\xe9");
    fs::write(job.at("source").join(name), "x").unwrap();
    assert_eq!(job.run().outcome(), "done");
    assert_eq!(job.verify().report.counts.proven, 4);
    fs::write(job.at("target").join(name), "y").unwrap();
    job.state["transferred_at_s"] = json!(job.state["transferred_at_s"].as_i64().unwrap() + 60);
    let proof = job.verify();
    assert_eq!(proof.items[0].path_b64.as_deref(), Some("Y2Fm6Q=="));
}

#[test]
fn what_is_left_out_is_not_missed_by_the_proof() {
    let mut job = job().with("exclude", json!(["*.tmp"]));
    job.write("source/x.tmp", "x");
    assert_eq!(job.run().report.counts.copied, 3);
    assert_eq!(job.verify().report.counts.proven, 3);
    fs::remove_file(job.at("target/a.txt")).unwrap();
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.cause()), ("partial", "not-proven"), "{}", proof.report.sentence);
}

#[test]
fn settings_that_cannot_work_are_pointed_at() {
    let inside = |job: &Job, path: &str| json!(job.at(path).to_str().unwrap());
    let mut job = job();
    let (source, target) = (job.config["source"].clone(), job.config["target"].clone());
    let cases: [(&str, Value, &str); 9] = [
        ("target", inside(&job, "source/copy"), "/target"),
        ("target", source.clone(), "/target"),
        ("source", inside(&job, "nowhere"), "/source"),
        ("source", json!(3), "/source"),
        ("colour", json!("red"), "/colour"),
        ("options", json!(["--delete-after"]), "/options"),
        ("options", json!(["rm"]), "/options"),
        ("executable", json!("no-such-rsync"), "/executable"),
        ("executable", json!("true"), "/executable"),
    ];
    for (key, value, pointer) in cases {
        job.config = json!({"source": source, "target": target, key: value});
        assert_eq!(job.validate().pointers(), [pointer], "{:?}", job.config);
    }
    job.config = json!({"source": target, "target": job.folder.path().to_str().unwrap()});
    assert_eq!(job.validate().pointers(), ["/source"], "a source on the target's drive root");
    let old = job.script("old", "echo 'rsync  version 2.6.9  protocol version 29'");
    job.config = json!({"source": source, "target": target, "executable": old});
    assert!(job.validate().report.problems[0].message.contains("rsync 2.6 is too old"));
}

#[test]
fn a_tool_that_is_not_installed_is_named_with_its_package() {
    let mut job = job();
    job.path = "/nowhere".to_owned();
    assert_eq!(job.validate().report.problems[0].next_step, "install Debian's package rsync, or name the executable");
    for said in [job.plan(), job.run()] {
        assert_eq!((said.outcome(), said.cause()), ("failed", "tool-missing"));
    }
}

/// An rsync that ends with a code, and says a line on standard error.
fn ends_with(job: &Job, code: u8, line: &str) -> Value {
    json!(job.script("stand-in", &format!("echo '{line}' >&2\nexit {code}")))
}

#[test]
fn every_exit_code_is_judged_by_its_table() {
    let mut job = job();
    let cases = [
        (1, "failed"),
        (2, "failed"),
        (3, "failed"),
        (5, "obstructed"),
        (10, "obstructed"),
        (11, "failed"),
        (12, "obstructed"),
        (13, "failed"),
        (20, "cancelled"),
        (23, "partial"),
        (25, "failed"),
        (30, "obstructed"),
        (35, "obstructed"),
        (77, "failed"),
    ];
    for (code, outcome) in cases {
        job.config["executable"] =
            ends_with(&job, code, &format!("rsync error: x (code {code}) at main.c(1) [sender=3.5.0]"));
        assert_eq!(job.run().outcome(), outcome, "{code}");
    }
    job.config["executable"] =
        ends_with(&job, 11, "rsync: [receiver] write failed on \"/x\": No space left on device (28)");
    let run = job.run();
    assert_eq!((run.outcome(), run.cause()), ("obstructed", "target-full"));
    let refused = "rsync: [receiver] mkstemp \"/x/.a.T9XKB5\" failed: Read-only file system (30)";
    job.config["executable"] = ends_with(&job, 23, refused);
    let run = job.run();
    assert_eq!((run.outcome(), run.cause()), ("obstructed", "target-read-only"));
}

/// The real rsync, kept from writing where permissions forbid it, also for root.
fn unprivileged(job: &Job) -> Value {
    json!(job.script("unprivileged", "exec setpriv --bounding-set -dac_override,-dac_read_search -- rsync \"$@\""))
}

#[test]
fn a_file_that_cannot_be_written_is_said_by_its_own_name_and_not_the_temporary_one() {
    let mut job = job();
    job.write("source/.config", "x");
    job.write("source/sub/.b.backup", "x");
    // The copy gets the permissions of the source's folders, and nothing can be written into it any more.
    for folder in ["source", "source/sub"] {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(job.at(folder), fs::Permissions::from_mode(0o555)).unwrap();
    }
    job.run();
    for (path, _) in tree(&job.at("source")) {
        fs::write(job.at("source").join(path), "other bytes").unwrap();
    }
    job.config["executable"] = unprivileged(&job);
    let run = job.run();
    assert_eq!((run.outcome(), run.report.counts.failed), ("partial", 5), "{}", run.report.sentence);
    for name in ["a.txt", ".config", "sub/-c", "sub/.b.backup"] {
        let path = job.at("target").join(name);
        assert!(run.has(path.to_str().unwrap(), ItemOutcome::Failed), "{name}: {:?}", run.items);
    }
}

#[test]
fn exit_codes_of_the_real_rsync_are_judged() {
    let mut job = job();
    for (source, outcome, cause, code) in [
        ("rsync://127.0.0.1:9/x", "obstructed", "unreachable", 10),
        ("/nowhere/../nowhere", "failed", "source-missing", -1),
    ] {
        job.config["source"] = json!(source);
        let run = job.run();
        assert_eq!((run.outcome(), run.cause()), (outcome, cause), "{}", run.report.sentence);
        let exit = run.report.tool.and_then(|tool| tool.exit_code).unwrap_or(-1);
        assert_eq!(exit, code);
    }
    let mut job = self::job();
    job.write("target/a.txt/kept", "a folder that is not empty stands where a file should be");
    let run = job.run();
    assert_eq!(
        (run.outcome(), run.cause(), run.report.counts.failed),
        ("partial", "files-failed", 1),
        "{}",
        run.report.sentence
    );
    let mut job = self::job().with("source", json!("far:/x")).with("options", json!(["--rsh=false"]));
    let run = job.run();
    assert_eq!((run.outcome(), run.cause()), ("obstructed", "unreachable"), "{}", run.report.sentence);
    // Only rsync knows that this option is not one.
    job = self::job().with("options", json!(["--no-such-option"]));
    let run = job.run();
    assert_eq!((run.outcome(), run.cause()), ("failed", "usage-error"));
}

#[test]
fn a_cancelled_transfer_leaves_no_process() {
    let mut job = job();
    let pid = job.at("pid");
    let script = format!("sh -c 'sleep 60' &\necho $! > {}\nsleep 60", pid.display());
    job.config["executable"] = json!(job.script("slow", &script));
    let cancelled = job.cancelled.clone();
    let seen = pid.clone();
    let watch = std::thread::spawn(move || {
        while fs::read_to_string(&seen).map_or(true, |text| text.trim().is_empty()) {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        cancelled.set();
    });
    let run = job.run();
    watch.join().unwrap();
    assert_eq!(run.outcome(), "cancelled");
    let child = fs::read_to_string(&pid).unwrap();
    let gone = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.trim()));
        stat.map_or(true, |stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')))
    };
    for _ in 0..200 {
        if gone() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the descendant {} lives on", child.trim());
}

#[test]
fn progress_fills_no_log_and_is_a_sign_of_life() {
    let mut job = job();
    for number in 0..300 {
        job.write(&format!("source/many/{number}"), vec![1; 1_000]);
    }
    let run = job.run();
    assert!(run.text.contains("many/299"), "{}", run.text.len());
    assert!(!run.text.contains("to-chk="), "{}", run.text);
    // A tool that says nothing else for long, and what matters only then.
    let script = "i=0; while [ $i -lt 600 ]; do printf '\\r  %s  1%%  1.00kB/s 0:00:01' $i; sleep 0.01; i=$((i+1)); done; \
        printf '\\nat last\\r\\n'; exit 12";
    job.config["executable"] = json!(job.script("slow", script));
    let run = job.run();
    assert!(run.text.contains("\"at last\"") && !run.text.contains("1.00kB/s"), "{}", run.text);
    assert!(run.text.contains("\"type\":\"progress\""), "{}", run.text);
}

#[test]
fn endless_output_is_bounded() {
    let mut job = job();
    let line = "x".repeat(1_000);
    job.config["executable"] = json!(job.script(
        "loud",
        &format!("i=0; while [ $i -lt 2000 ]; do echo {line}; echo {line} >&2; i=$((i+1)); done; exit 12")
    ));
    let run = job.run();
    assert_eq!(run.outcome(), "obstructed", "{}", run.report.sentence);
    assert!(run.text.len() < 1_500_000, "{}", run.text.len());
}

#[test]
fn r6_the_targets_identity_is_not_deleted_and_the_sources_own_is_not_copied() {
    let mut job = mirror(0);
    job.write("source/.strongroom/target.json", "the source's");
    fs::create_dir_all(job.at("target/.strongroom")).unwrap();
    job.write("target/.strongroom/target.json", "the target's");
    let run = job.run();
    assert_eq!((run.outcome(), run.report.counts.deleted, run.report.counts.copied), ("done", 0, 3));
    assert_eq!(fs::read_to_string(job.at("target/.strongroom/target.json")).unwrap(), "the target's");
    assert_eq!(job.verify().outcome(), "done");
}

#[test]
fn r10_a_proof_in_parts_reads_every_copy_that_was_written_since_the_last_one() {
    let mut job = job().with("proof", json!({ "parts": 2 }));
    job.run();
    job.verify();
    for number in 0..20 {
        job.write(&format!("source/new/{number}"), number.to_string());
    }
    job.run();
    let proof = job.verify();
    assert!(proof.outcome() == "done" && proof.report.counts.proven >= 20, "{}", proof.report.sentence);
    // As if all was written before the last proof: the other part is not read.
    job.state["verified_at_s"] = json!(job.state["verified_at_s"].as_i64().unwrap() + 60);
    let proof = job.verify();
    assert!(proof.outcome() == "done" && proof.report.counts.proven < 20, "{}", proof.report.sentence);
}
