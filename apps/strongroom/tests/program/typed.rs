//! What is typed wrong, what is asked for, and readers that go away.

use std::process::Stdio;

use crate::rig::{program, run};

#[test]
fn the_exit_code_of_wrong_use_is_64() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = [
        &[][..],
        &["backup"],
        &["run", "--twice"],
        &["log"],
        &["retry"],
        &["retry", "--kind", "file-missing"],
        &["retry", "--all", "--kind", "eaten-by-dog"],
        &["replay", "--as-of", "yesterday"],
        &["demo", "--bookings", "many"],
        &["server", "token", "create", "--name", "x", "--scope", "everything"],
        &["queue", "drop"],
        &["topology"],
    ];
    for args in wrong {
        let ended = run(folder.path(), args);
        assert_eq!(ended.code, Some(64), "{args:?}: {}{}", ended.stdout, ended.stderr);
        assert!(!ended.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    let folder = tempfile::tempdir().unwrap();
    for args in
        [&["--help"][..], &["-h"], &["help"], &["--version"], &["run", "--help"], &["server", "token", "--help"]]
    {
        let ended = run(folder.path(), args).expect(0);
        assert!(!ended.stdout.is_empty() && ended.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn an_error_is_told_once_with_its_next_step() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["status"][..], &["run", "--once"]] {
        let ended = run(folder.path(), args).expect(1);
        assert_eq!(ended.stderr.matches("error:").count(), 1, "{}", ended.stderr);
        assert!(ended.stderr.contains("strongroom config init"), "{}", ended.stderr);
        assert!(ended.stdout.is_empty());
    }
}

#[test]
fn a_new_configuration_is_well_formed_and_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["config", "init"]).expect(0);
    run(folder.path(), &["config", "show"]).expect(0);
    let ended = run(folder.path(), &["config", "check"]).expect(1);
    for key in ["source.url", "source.token", "drive.root"] {
        assert!(ended.stdout.contains(key), "{key}: {}", ended.stdout);
    }
    let again = run(folder.path(), &["config", "init"]).expect(1);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    let template = run(folder.path(), &["config", "template"]).expect(0);
    assert_eq!(template.stdout, std::fs::read_to_string(folder.path().join("strongroom.toml")).unwrap());
}

#[test]
fn a_recipient_that_is_no_address_is_named_before_a_run_meets_it() {
    let folder = tempfile::tempdir().unwrap();
    for to in ["a@example.com, c@example.com", "ann", ""] {
        std::fs::write(folder.path().join("strongroom.toml"), format!("[mail]\nto = [{to:?}]\n")).unwrap();
        let ended = run(folder.path(), &["config", "check"]).expect(1);
        assert!(ended.stdout.contains(&format!("mail.to: {to:?} is not an address")), "{}", ended.stdout);
    }
}

#[test]
fn the_drive_can_be_set_up_and_looked_at_without_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("blue 1")).unwrap();
    let refused = run(folder.path(), &["drive", "status", "blue 1"]).expect(2);
    assert!(refused.stdout.contains("plug the drive in and mount it at blue 1"), "{}", refused.stdout);
    std::fs::write(folder.path().join("blue 1/holiday.jpg"), "somebody's").unwrap();
    let refused = run(folder.path(), &["drive", "status", "blue 1"]).expect(2);
    assert!(refused.stdout.contains("strongroom drive init 'blue 1'"), "{}", refused.stdout);
    run(folder.path(), &["drive", "init", "--same-disk", "--in-memory", "blue 1"]).expect(0);
    let status = run(folder.path(), &["drive", "status", "blue 1", "--json"]).expect(0).json();
    assert_eq!((&status["label"], &status["state"]), (&"blue 1".into(), &"ready".into()));
    run(folder.path(), &["drive", "init", "--same-disk", "--in-memory", "blue 1"]).expect(1);
}

#[test]
fn what_a_shell_needs_to_complete_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(folder.path(), &["completions", shell]).expect(0).stdout;
        assert!(script.contains("strongroom") && script.contains("doctor"), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut child =
        program(folder.path(), &["config", "template"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended: crate::rig::Ended = child.wait_with_output().unwrap().into();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn the_doctor_says_what_to_do_where_nothing_is_set_up() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["config", "init"]).expect(0);
    let ended = run(folder.path(), &["doctor", "--json"]).expect(2).json();
    assert_eq!(ended["ok"], false);
    for check in ended["checks"].as_array().unwrap() {
        assert_eq!(check["state"] == "well", check.get("next_step").is_none(), "{check}");
    }
    let none =
        run(&folder.path().join("..").canonicalize().unwrap(), &["doctor", "--config", "nowhere.toml"]).expect(2);
    assert!(none.stdout.contains("nowhere.toml"), "{}", none.stdout);
}
