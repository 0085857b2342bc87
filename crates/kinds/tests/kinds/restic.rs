//! `restic`, with the restic of the system and a repository in a folder.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use serde_json::json;
use strongroom_plugin::protocol::{ItemOutcome, ReadBack};

use crate::rig::Job;

fn job() -> Job {
    let mut job = Job::new("restic");
    job.write("source/a.txt", "a");
    job.write("source/sub/ü b.txt", "bb");
    job.write("source/big", vec![7; 3_000_000]);
    let at = |path: &str| job.at(path).to_str().unwrap().to_owned();
    job.config = json!({"repository": at("repo"), "sources": [at("source")], "cache": at("cache"), "parts": 2, "host": "kestrel"});
    job.secrets = vec![("password", "canary-secret")];
    job
}

fn with_repository() -> Job {
    let job = job();
    let made = Command::new("restic")
        .args(["init", "-q", "-r", job.config["repository"].as_str().unwrap()])
        .env("RESTIC_PASSWORD", "canary-secret")
        .status();
    assert!(made.unwrap().success());
    job
}

#[test]
fn folders_are_planned_backed_up_and_proven_part_by_part() {
    let mut job = with_repository();
    assert_eq!(job.validate().report.problems, []);
    let plan = job.plan();
    assert_eq!((plan.outcome(), plan.report.counts.copied), ("done", 3), "{}", plan.report.sentence);
    assert_eq!(job.verify().cause(), "snapshot-missing", "a plan writes nothing");
    let run = job.run();
    assert_eq!(
        (run.outcome(), run.report.counts.copied, run.report.counts.seen),
        ("done", 3, 3),
        "{}",
        run.report.sentence
    );
    for words in ["1 of 2 parts", "all of the repository was read within 1 day"] {
        let proof = job.verify();
        assert_eq!((proof.outcome(), proof.report.counts.proven), ("done", 3), "{}", proof.report.sentence);
        assert!(proof.report.sentence.contains(words), "{}", proof.report.sentence);
        assert_eq!(proof.report.evidence.unwrap().method, "restore");
    }
    let run = job.run();
    assert_eq!((run.outcome(), run.report.counts.copied), ("done", 0));
    assert!(!run.text.contains("canary"));
    assert!(!run.text.contains("percent_done"), "progress fills no log: {}", run.text);
}

#[test]
fn a_sample_has_files_of_any_name() {
    let mut job = with_repository();
    let names: [&[u8]; 13] = [
        b"with a blank",
        b"a*",
        b"[x]",
        b"q?",
        b"back\\slash",
        b"new\nline",
        b"tab\t",
        b"-dash",
        b"quote\"s",
        b"caf\xe9",
        b"\xe2\x82",
        b"\xef\xbf\xbd",
        b"d\xe9r\n*/[sub]/$(f)",
    ];
    for name in names {
        let path = job.at("source/odd").join(OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
    job.config["restore_files"] = json!(100);
    assert_eq!(job.run().report.counts.copied, 16);
    let proof = job.verify();
    assert_eq!(
        (proof.outcome(), proof.report.counts.proven),
        ("done", 16),
        "{} {:?}",
        proof.report.sentence,
        proof.items
    );
    // Without the source, nobody knows the bytes of these names; with two that are listed alike, which of them is meant.
    fs::remove_file(job.at("source/odd").join(OsStr::from_bytes(b"\xe2\x82"))).unwrap();
    fs::write(job.at("source/odd").join(OsStr::from_bytes(b"caf\xe8")), "x").unwrap();
    let proof = job.verify();
    let counts = proof.report.counts;
    assert_eq!((proof.outcome(), counts.proven, counts.skipped), ("done", 14, 2), "{:?}", proof.items);
    assert!(proof.report.sentence.contains("2 left out for a name that is not Unicode"), "{}", proof.report.sentence);
    assert!(proof.items.iter().all(|item| item.outcome == ItemOutcome::Skipped) && proof.items.len() == 2);
}

#[test]
fn the_repository_is_read_past_the_cache_or_it_is_said_that_it_is_not() {
    let mut job = with_repository();
    job.run();
    let proof = job.verify();
    let evidence = proof.report.evidence.unwrap();
    let packs = fs::File::open(job.at("repo/data")).unwrap();
    let (read_back, words) = if strongroom_files::Backing::of(&packs).unwrap() == strongroom_files::Backing::Device {
        (ReadBack::Device, "read back with nothing of it cached")
    } else {
        (ReadBack::Cached, "perhaps from a cache")
    };
    assert_eq!(evidence.read_back, read_back, "{}", proof.report.sentence);
    assert!(proof.report.sentence.contains(words), "{}", proof.report.sentence);
}

#[test]
fn a_restored_file_that_differs_from_an_unchanged_source_is_found() {
    let mut job = with_repository();
    job.run();
    job.flip("source/a.txt");
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.report.counts.skipped), ("done", 1), "it changed meanwhile");
    job.state["transferred_at_s"] = json!(job.state["transferred_at_s"].as_i64().unwrap() + 60);
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.cause()), ("failed", "differs"), "{}", proof.report.sentence);
    assert!(proof.items.iter().any(|item| item.path.ends_with("source/a.txt") && item.outcome == ItemOutcome::Differs));
}

#[test]
fn r10_a_snapshot_without_files_proves_nothing() {
    let mut job = with_repository();
    job.config["exclude"] = json!(["*"]);
    job.config["restore_files"] = json!(0);
    assert_eq!(job.run().cause(), "source-empty");
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.cause()), ("failed", "source-empty"), "{}", proof.report.sentence);
    assert!(proof.report.next_step.unwrap().contains("mounted"));
}

#[test]
fn a_damaged_repository_is_not_proven() {
    let mut job = with_repository();
    job.config["parts"] = json!(1);
    job.run();
    let data = strongroom_kinds::proof::Walk::new(&job.at("repo/data")).unwrap();
    for entry in data {
        let strongroom_kinds::proof::Entry::File(path) = entry else { panic!("{entry:?}") };
        let path = job.at("repo/data").join(path);
        let mut bytes = fs::read(&path).unwrap();
        bytes[0] ^= 1;
        let mut writable = fs::metadata(&path).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut writable, 0o600);
        fs::set_permissions(&path, writable).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.cause()), ("failed", "damaged"), "{}", proof.report.sentence);
}

#[test]
fn a_missing_or_empty_source_is_seen_before_restic_starts() {
    let mut job = with_repository();
    job.run();
    fs::rename(job.at("source"), job.at("away")).unwrap();
    assert_eq!(job.run().cause(), "source-missing");
    assert_eq!(job.validate().pointers(), ["/sources/0"]);
    fs::create_dir(job.at("source")).unwrap();
    assert_eq!(job.run().cause(), "source-empty");
    job.write("source/one", "x");
    job.state["seen"] = json!(3);
    let run = job.run();
    assert_eq!((run.outcome(), run.cause()), ("done", "-"), "{}", run.report.sentence);
    job.state["seen"] = json!(4);
    let run = job.run();
    assert_eq!((run.outcome(), run.cause()), ("partial", "source-shrunk"), "{}", run.report.sentence);
}

#[test]
fn exit_codes_of_the_real_restic_are_judged() {
    let mut job = job();
    let run = job.run();
    assert_eq!((run.outcome(), run.cause()), ("obstructed", "target-missing"), "{}", run.report.sentence);
    assert!(!job.at("repo").exists());
    fs::create_dir(job.at("repo")).unwrap();
    let run = job.run();
    assert_eq!((run.outcome(), run.cause()), ("failed", "repository-missing"), "{}", run.report.sentence);
    let mut job = with_repository();
    job.secrets = vec![("password", "another")];
    for said in [job.run(), job.verify()] {
        assert_eq!((said.outcome(), said.cause()), ("failed", "wrong-password"), "{}", said.report.sentence);
        assert!(said.report.next_step.is_some());
    }
}

#[test]
fn every_exit_code_is_judged_by_its_table() {
    let mut job = job();
    fs::create_dir(job.at("repo")).unwrap();
    let cases = [
        (1, "failed"),
        (2, "failed"),
        (3, "partial"),
        (10, "failed"),
        (11, "obstructed"),
        (12, "failed"),
        (77, "failed"),
        (130, "cancelled"),
    ];
    for (code, outcome) in cases {
        job.config["executable"] = json!(job.script("stand-in", &format!("exit {code}")));
        assert_eq!(job.run().outcome(), outcome, "{code}");
    }
    let line =
        r#"{"message_type":"error","error":{"message":"permission denied"},"during":"archival","item":"/srv/x"}"#;
    job.config["executable"] = json!(job.script("stand-in", &format!("echo '{line}' >&2; exit 3")));
    let run = job.run();
    assert_eq!(run.outcome(), "partial");
    assert!(run.has("/srv/x", ItemOutcome::Failed));
}

#[test]
fn a_setting_that_is_unknown_is_named_with_those_that_there_are() {
    let mut job = job();
    job.config["snapshots"] = json!(3);
    for said in [job.plan(), job.run(), job.verify()] {
        let sentence = &said.report.sentence;
        assert_eq!((said.outcome(), said.cause()), ("failed", "settings-wrong"), "{sentence}");
        assert!(
            sentence.contains("unknown setting \"snapshots\"; expected repository, sources, exclude,"),
            "{sentence}"
        );
        assert!(sentence.ends_with("executable."), "all of them: {sentence}");
        assert!(said.report.next_step.as_ref().unwrap().contains("\"snapshots\""));
    }
    let problem = job.validate().report.problems.remove(0);
    assert_eq!(problem.pointer, "/snapshots");
    assert!(problem.message.contains("restore_files"), "{}", problem.message);
}

#[test]
fn settings_that_cannot_work_are_pointed_at() {
    let mut job = job();
    let inside = job.at("source/repo").to_str().unwrap().to_owned();
    for (key, value, pointer) in [
        ("repository", json!(inside), "/repository"),
        ("repository", json!(""), "/repository"),
        ("sources", json!([]), "/sources"),
        ("sources", json!(["relative"]), "/sources/0"),
        ("executable", json!("no-such-restic"), "/executable"),
        ("executable", json!(job.script("old", "echo 'restic 0.9.6 compiled with go1.12'")), "/executable"),
        ("parts", json!("x"), "/parts"),
    ] {
        let before = job.config.clone();
        job.config[key] = value;
        fs::create_dir_all(job.at("source/repo")).unwrap();
        assert_eq!(job.validate().pointers(), [pointer], "{:?}", job.config);
        job.config = before;
    }
    job.secrets.clear();
    assert_eq!(job.validate().pointers(), [""]);
}
