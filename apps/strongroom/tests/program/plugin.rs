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

#[test]
fn built_in_kinds_are_plugins_like_others() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["plugin", "list"]).expect(0);
    for kind in strongroom_kinds::NAMES {
        assert!(ended.stdout.contains(&format!("{kind} ")), "{}", ended.stdout);
        run(folder.path(), &["plugin", "describe", kind]).expect(0);
    }
    let ended = run(folder.path(), &["plugin", "serve", "tape"]).expect(64);
    assert!(ended.stderr.contains("unknown kind \"tape\"; expected "), "{}", ended.stderr);
    run(folder.path(), &["plugin", "serve", "command"]).expect(64);
}

/// A command that keeps to the rules: nothing to do, no target, a digest beside what it writes.
const DUMP: &str = r#"cd "$1" || exit 2
[ -e dump.sql ] && exit 3
echo dump >dump.sql && sha256sum dump.sql >dump.sql.sha256"#;

/// Settings of a built-in kind for the test's own folders.
fn settings(kind: &str, root: &Path) -> Value {
    match kind {
        "rsync" | "rclone" => serde_json::json!({"source": "{source}", "target": "{target}"}),
        "command" => serde_json::json!({
            "argv": ["sh", "-c", DUMP, "sh", "{target}"],
            "exit_codes": {"2": "obstructed", "3": "nothing"},
            "expect": {"files": "{target}/*.sql", "sha256_beside": true}
        }),
        "check" => serde_json::json!({"argv": ["sh", "-c", "echo OK"]}),
        "tasks" => serde_json::json!({"root": root, "target": "{target}"}),
        other => panic!("no settings for the kind {other}"),
    }
}

/// Not tried here: robocopy, which is not to be had, and restic, which derives a key at each of some fifty starts.
const ELSEWHERE: [&str; 2] = ["robocopy", "restic"];

#[test]
fn built_in_kinds_pass_the_test_of_plugins() {
    let folder = tempfile::tempdir().unwrap();
    // A host with one task.
    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("etc")).unwrap();
    std::fs::write(root.join("etc/crontab"), "17 3 * * * root copy\n").unwrap();
    for kind in strongroom_kinds::NAMES.into_iter().filter(|kind| !ELSEWHERE.contains(kind)) {
        let file = folder.path().join("settings.json");
        std::fs::write(&file, settings(kind, &root).to_string()).unwrap();
        let ended = run(folder.path(), &["plugin", "test", "--settings", file.to_str().unwrap(), kind]);
        assert_eq!(ended.code, Some(0), "{kind}: {}", ended.stdout);
    }
}

#[test]
fn a_program_prepares_the_folders_of_each_case() {
    let folder = tempfile::tempdir().unwrap();
    let before = folder.path().join("before.sh");
    std::fs::write(&before, "#!/bin/sh\nexit 7\n").unwrap();
    std::fs::set_permissions(&before, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let args = ["plugin", "test", "--before", before.to_str().unwrap(), "sh", &example("dump.sh")];
    let ended = run(folder.path(), &args).expect(1);
    assert!(ended.stdout.contains("before.sh ended with exit status: 7"), "{}", ended.stdout);
}
