//! `command`: exit codes, and what is expected of the output.

use serde_json::{Value, json};

use crate::rig::Job;

/// A job whose program writes `out/dump.sql`.
fn job(script: &str, expect: Value) -> Job {
    let mut job = Job::new("command");
    std::fs::create_dir(job.at("out")).unwrap();
    let folder = job.at("out").to_str().unwrap().to_owned();
    let mut expect = expect;
    expect["files"] = json!(format!("{folder}/*.sql"));
    job.config = json!({"argv": [job.script("dump", script)], "folder": folder, "expect": expect});
    job
}

#[test]
fn exit_codes_mean_what_the_settings_say() {
    let mut job = Job::new("command");
    for (code, outcome) in
        [(0, "done"), (1, "failed"), (3, "nothing"), (4, "partial"), (5, "obstructed"), (6, "failed")]
    {
        let argv = [job.script("it", &format!("exit {code}"))];
        job.config = json!({"argv": argv, "exit_codes": {"3": "nothing", "4": "partial", "5": "obstructed"}});
        assert!(job.validate().report.problems.is_empty());
        assert_eq!(job.run().outcome(), outcome, "{code}");
    }
    let argv = [job.script("it", "kill -9 $$")];
    job.config = json!({"argv": argv});
    let run = job.run();
    assert_eq!((run.outcome(), run.cause()), ("failed", "tool-killed"));
}

#[test]
fn output_as_expected_is_proven_by_reading_it() {
    let mut job = job(
        "printf 'PK rows\\n-- dump complete\\n' >dump.sql; sha256sum dump.sql >dump.sql.sha256",
        json!({"begins_with": ["gzip", "zip"], "ends_with": "-- dump complete", "sha256_beside": true}),
    );
    assert!(job.validate().report.problems.is_empty());
    let run = job.run();
    assert_eq!((run.outcome(), run.report.counts.copied), ("done", 1), "{}", run.report.sentence);
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.report.counts.proven), ("done", 1), "{}", proof.report.sentence);
    assert_eq!(proof.report.evidence.unwrap().method, "sha256");
    job.flip("out/dump.sql");
    assert_eq!(job.verify().cause(), "output-format");
}

#[test]
fn a_changed_byte_is_found_by_the_digest_beside() {
    let mut job = job("echo rows >dump.sql; sha256sum dump.sql >dump.sql.sha256", json!({"sha256_beside": true}));
    job.run();
    job.flip("out/dump.sql");
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.cause()), ("failed", "digest-differs"));
    std::fs::remove_file(job.at("out/dump.sql.sha256")).unwrap();
    assert_eq!(job.verify().cause(), "digest-missing");
}

#[test]
fn each_way_in_which_output_is_not_as_expected_is_named() {
    for (script, expect, cause) in [
        ("true", json!({}), "output-missing"),
        (": >dump.sql", json!({}), "output-empty"),
        ("echo x >dump.sql; touch -d '2001-01-01' dump.sql", json!({}), "output-old"),
        ("echo x >dump.sql", json!({"begins_with": ["pdf"]}), "output-format"),
        ("echo x >dump.sql", json!({"ends_with": "complete"}), "output-incomplete"),
        ("echo x >dump.sql", json!({"sha256_beside": true}), "digest-missing"),
    ] {
        let run = job(script, expect).run();
        assert_eq!((run.outcome(), run.cause()), ("failed", cause), "{}", run.report.sentence);
    }
}

#[test]
fn a_size_far_from_the_usual_is_seen() {
    let mut job = job("head -c \"$(cat ../size)\" /dev/zero >dump.sql", json!({}));
    for (size, cause) in [(1_000, "-"), (1_200, "-"), (500, "output-size"), (2_500, "output-size"), (1_900, "-")] {
        job.write("size", size.to_string());
        assert_eq!(job.run().cause(), cause, "{size}");
    }
    assert_eq!(job.state["sizes"], json!([1_000, 1_200, 1_900]));
}

#[test]
fn without_expectations_nothing_is_proven() {
    let mut job = Job::new("command");
    job.config = json!({"argv": ["true"]});
    assert_eq!(job.run().outcome(), "done");
    let proof = job.verify();
    assert_eq!((proof.outcome(), proof.cause()), ("partial", "not-proven"));
}

#[test]
fn settings_that_cannot_work_are_pointed_at() {
    let mut job = Job::new("command");
    for (config, pointer) in [
        (json!({"argv": []}), "/argv"),
        (json!({"argv": ["no-such-program"]}), "/argv/0"),
        (json!({"argv": "true"}), "/argv"),
        (json!({"argv": ["true"], "exit_codes": {"x": "done"}}), "/exit_codes"),
        (json!({"argv": ["true"], "exit_codes": {"3": "fine"}}), "/exit_codes"),
        (json!({"argv": ["true"], "expect": {"files": "out/*"}}), "/expect/files"),
        (json!({"argv": ["true"], "expect": {"files": "/out/*", "begins_with": ["tar?"]}}), "/expect/begins_with"),
    ] {
        job.config = config;
        assert_eq!(job.validate().pointers(), [pointer], "{:?}", job.config);
    }
}

#[test]
fn a_command_that_says_nothing_for_long_shows_that_it_lives() {
    let mut job = Job::new("command");
    job.config = json!({"argv": ["sleep", "5.5"]});
    let run = job.run();
    assert_eq!(run.outcome(), "done");
    assert!(run.text.contains("\"type\":\"progress\""), "{}", run.text);
}
