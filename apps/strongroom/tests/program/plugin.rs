//! `strongroom plugin`, on the examples of docs/plugins.

use std::path::Path;

use serde_json::Value;

use crate::rig::run;

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plugins").join(name);
    path.canonicalize().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_plugin_is_described_with_the_digest_to_accept_it_by() {
    let folder = tempfile::tempdir().unwrap();
    let copy = example("copy.py");
    let ended = run(folder.path(), &["plugin", "describe", "/usr/bin/python3", &copy]).expect(0);
    for line in ["copy 0.1.0\n", "operations  describe, validate, plan, run, verify\n", "deletes     never\n"] {
        assert!(ended.stdout.contains(line), "{}", ended.stdout);
    }
    assert!(ended.stdout.contains("digest      sha256:"), "{}", ended.stdout);
    let json = run(folder.path(), &["plugin", "describe", "--json", "/usr/bin/python3", &copy]).expect(0);
    let described: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(described["config"]["required"], serde_json::json!(["source", "target"]));
}

#[test]
fn what_is_no_plugin_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["plugin", "describe", "/no/such/plugin"]).expect(1);
    assert!(
        ended.stderr.contains("/no/such/plugin is not there") && ended.stderr.contains("next: "),
        "{}",
        ended.stderr
    );
    let ended = run(folder.path(), &["plugin", "describe", "/bin/true"]).expect(1);
    assert!(ended.stderr.contains("ended without a result"), "{}", ended.stderr);
}

#[test]
fn a_plugin_is_tested_case_by_case() {
    let folder = tempfile::tempdir().unwrap();
    // By a name in the current folder.
    std::fs::copy(example("dump.sh"), folder.path().join("dump.sh")).unwrap();
    let ended = run(folder.path(), &["plugin", "test", "sh", "dump.sh"]).expect(0);
    assert!(ended.stdout.starts_with("ok       1 describe\n"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("skipped 18 plan: the plugin does not list the operation plan\n"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.ends_with("25 ok, 0 not ok, 5 skipped\n"), "{}", ended.stdout);
    let ended = run(folder.path(), &["plugin", "test", "/bin/true"]).expect(1);
    assert!(ended.stdout.contains("not ok   1 describe\n         expected  "), "{}", ended.stdout);
}

#[test]
fn transcripts_name_no_folder_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["plugin", "test", "--record", "sh", &example("dump.sh")]).expect(0);
    let transcripts: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(transcripts.as_array().unwrap().len() > 20);
    assert!(ended.stdout.contains("{folder}/") && !ended.stdout.contains("canary"), "{}", ended.stdout);
}
