//! The site's key, checkpoints that it signs, and evidence that somebody outside verifies.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use strongroom_model::Event;
use strongroom_tests::audit::{events, export};
use strongroom_tests::documented;
use strongroom_tests::schemas::workspace_root;
use strongroom_tests::site::Site;

/// A site with that many archived files and a key, which is returned.
fn backed_up(documents: usize) -> (Site, String) {
    let site = Site::new();
    site.add_documents(documents);
    let _server = site.serve();
    let key = site.call(["key", "new"]).run().expect_code(0).stdout.lines().next().unwrap().to_owned();
    site.run_once().run().expect_code(0);
    (site, key)
}

/// The script of docs/audit.md that needs nothing of ours, with these arguments, in the site's folder.
fn auditors_script(site: &Site, args: &[&str]) -> Output {
    let page = fs::read_to_string(workspace_root().join("docs/audit.md")).unwrap();
    let script = page.split("```python\n").nth(2).unwrap().split("```").next().unwrap();
    fs::write(site.path("verify.py"), script).unwrap();
    let mut python = Command::new("python3");
    python.arg("verify.py").args(args).current_dir(site.path("")).env("LC_ALL", "C.UTF-8").output().unwrap()
}

fn first_booking(site: &Site) -> String {
    let events = events(site);
    let proof = events.iter().find(|event| matches!(event.event, Event::TimesheetBackedUp(_))).unwrap();
    proof.stream.id().to_owned()
}

#[test]
fn the_auditors_own_script_verifies_a_pack_an_export_and_a_drive() {
    let (site, key) = backed_up(5);
    let booking = first_booking(&site);
    site.call(["prove", "booking", &booking]).run().expect_code(0).expect_said("has a proven copy: ");
    let pack = format!("evidence-booking-{booking}.json");
    let checkpoint = site.call(["log", "checkpoint"]).run().expect_code(0).stdout;
    fs::write(site.path("checkpoint.txt"), &checkpoint).unwrap();
    fs::write(site.path("log.jsonl"), export(&site)).unwrap();
    let drive = site.drive().display().to_string();
    let id = drive_of(&site);
    let all = [&key, "log.jsonl", "checkpoint.txt", &drive, &id].map(ToOwned::to_owned);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    for args in [&[key.as_str(), &pack][..], &all] {
        let output = auditors_script(&site, args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let said = auditors_script(&site, &all).stdout;
    assert!(String::from_utf8_lossy(&said).contains("5 proven copies"));

    // A copy, an event and the pack, each changed in one place.
    let proof = site.drive().join(proven_path(&site));
    let whole = fs::read(&proof).unwrap();
    fs::write(&proof, [&whole[..], b"x"].concat()).unwrap();
    assert!(!auditors_script(&site, &all).status.success());
    fs::write(&proof, whole).unwrap();
    fs::write(site.path("log.jsonl"), export(&site).replacen("\"version\":1", "\"version\":2", 1)).unwrap();
    assert!(!auditors_script(&site, &all).status.success());
    let text = fs::read_to_string(site.path(&pack)).unwrap();
    fs::write(site.path(&pack), text.replacen("\\\"version\\\":2", "\\\"version\\\":3", 1)).unwrap();
    assert!(!auditors_script(&site, &[&key, &pack]).status.success());
}

fn drive_of(site: &Site) -> String {
    let drive = events(site).into_iter().find_map(|event| match event.event {
        Event::TimesheetBackedUp(proof) => Some(proof.drive),
        _ => None,
    });
    drive.unwrap().to_string()
}

fn proven_path(site: &Site) -> PathBuf {
    let path = events(site).into_iter().find_map(|event| match event.event {
        Event::TimesheetBackedUp(proof) => Some(proof.path),
        _ => None,
    });
    path.unwrap().into()
}

#[test]
fn evidence_is_checked_without_log_and_configuration() {
    let (site, key) = backed_up(3);
    let booking = first_booking(&site);
    let file = site.drive().join(proven_path(&site)).display().to_string();
    site.call(["prove", "booking", &booking]).run().expect_code(0);
    site.call(["prove", "file", &file])
        .run()
        .expect_code(0)
        .expect_said(&format!("(booking {booking}) has a proven copy"));
    site.call(["prove", "booking", &booking]).run().expect_code(1).expect_said("move it away");
    let month = proven_path(&site).iter().nth(1).unwrap().to_str().unwrap().to_owned();
    site.call(["prove", "month", &month]).run().expect_code(0).expect_said("at least 3 proven copies");
    site.call(["prove", "booking", "B-none"]).run().expect_code(1).expect_said("knows nothing of booking/B-none");

    let elsewhere = tempfile::tempdir().unwrap();
    let page = format!("evidence-booking-{booking}.html");
    fs::copy(site.path(&page), elsewhere.path().join(&page)).unwrap();
    let check = |args: &[&str]| {
        let args = [&["check-proof", &page], args].concat();
        strongroom_tests::program::Call::new(elsewhere.path(), args).run()
    };
    check(&["--key", &key]).expect_code(0).expect_said("verified: ");
    check(&[]).expect_code(2).expect_said("NOT CONFIRMED");
    let other = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    check(&["--key", other]).expect_code(1).expect_said("and not by the one that was given");
    let text = fs::read_to_string(site.path(&page)).unwrap();
    fs::write(elsewhere.path().join(&page), text.replacen("proven copy", "proven cope", 1)).unwrap();
    check(&["--key", &key]).expect_code(1).expect_said("the file was changed");
}

#[test]
fn r4_a_log_is_held_to_what_a_saved_mail_and_a_drive_have_signed() {
    let (site, key) = backed_up(3);
    let mail = site.mailbox().mails().pop().unwrap().file;
    let mail = site.path("data/mail").join(mail).display().to_string();
    let drive = site.drive().display().to_string();
    site.call(["log", "verify", "--mail", &mail, "--drive", &drive, "--key", &key]).run().expect_code(0);
    let checkpoint = site.call(["log", "checkpoint"]).run().expect_code(0).stdout;
    fs::write(site.path("checkpoint.txt"), &checkpoint).unwrap();
    site.call(["log", "verify", "--checkpoint", "checkpoint.txt"]).run().expect_code(0);

    // What another key signed, nobody signed, or was changed, proves nothing.
    let other = "strongroom/kestrel+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    let by_other = ["log", "verify", "--mail", &mail, "--key", other];
    site.call(by_other).run().expect_code(64).expect_said("is not a public key");
    site.call(["log", "verify", "--key", &key]).run().expect_code(64);
    let secret = fs::read_to_string(site.path("data/key.kestrel")).unwrap();
    let shown = site.call(["log", "verify", "--mail", &mail, "--key", secret.trim()]).run().expect_code(64).said();
    assert!(!shown.contains("PRIVATE+KEY") && shown.contains("this is a private key"), "{shown}");
    let (text, _) = checkpoint.split_once("\n\n").unwrap();
    fs::write(site.path("unsigned.txt"), format!("{text}\n")).unwrap();
    let unsigned = site.call(["log", "verify", "--checkpoint", "unsigned.txt"]).run().expect_code(1);
    unsigned.expect_said("is not signed by").expect_said("--against");
    fs::write(site.path("forged.txt"), checkpoint.replacen("summary 1", "summary 2", 1)).unwrap();
    site.call(["log", "verify", "--checkpoint", "forged.txt"]).run().expect_code(1).expect_said("is not signed by");

    // The log of another site with the same name and key is not the one that was signed.
    let rewritten = Site::new();
    rewritten.add_documents(4);
    let _server = rewritten.serve();
    rewritten.run_once().run().expect_code(0);
    let args = ["log", "verify", "--mail", &mail, "--key", &key];
    rewritten.call(args).run().expect_code(1).expect_said("DAMAGED").expect_said("the checkpoint in the mail");
}

#[test]
fn a_key_that_was_replaced_still_counts_and_the_new_one_signs() {
    let (site, first) = backed_up(1);
    let old = site.call(["log", "checkpoint"]).run().expect_code(0).stdout;
    fs::write(site.path("old.txt"), old).unwrap();
    for kill in ["key.before-rename", "key.prepared", "key.rotated", "key.previous-kept"] {
        let before = newest(&site);
        assert!(site.call(["key", "rotate"]).kill_at(kill, 1).run().was_killed(), "{kill}");
        site.call(["key", "rotate"]).run().expect_code(0);
        assert_ne!(newest(&site), before, "{kill}");
        assert!(!site.path("data/key.kestrel.next").exists(), "{kill}");
        site.call(["log", "checkpoint"]).run().expect_code(0);
    }
    let rotated = events(&site).into_iter().filter(|event| matches!(event.event, Event::KeyRotated(_))).count();
    assert_eq!(rotated, 4, "each rotation is recorded once");
    site.call(["log", "verify", "--checkpoint", "old.txt"]).run().expect_code(0);
    site.call(["key", "show"]).run().expect_code(0).expect_said(&format!("before: {first}"));
}

fn newest(site: &Site) -> String {
    site.call(["key", "show", "--json"]).run().expect_code(0).json()["known"][0].as_str().unwrap().to_owned()
}

/// A signature would take the place of the evidence: the kept checkpoint is the only one.
#[test]
fn r4_a_log_that_does_not_continue_its_checkpoint_is_not_signed() {
    let (site, _) = backed_up(1);
    site.call(["log", "checkpoint"]).run().expect_code(0);
    let kept = fs::read(site.path("data/checkpoint.kestrel")).unwrap();
    let booking = first_booking(&site);
    site.tamper("DELETE FROM event WHERE position = (SELECT max(position) FROM event)");
    site.tamper("UPDATE head SET size = size - 1");
    for args in [&["log", "checkpoint"][..], &["prove", "booking", &booking]] {
        site.call(args).run().expect_code(1);
    }
    assert_eq!(fs::read(site.path("data/checkpoint.kestrel")).unwrap(), kept);
}

#[test]
fn two_processes_that_make_or_replace_a_key_at_once_end_with_the_same() {
    for verb in ["new", "rotate"] {
        let site = Site::new();
        if verb == "rotate" {
            site.call(["key", "new"]).run().expect_code(0);
        }
        for _ in 0..4 {
            let both = [site.call(["key", verb]).start(), site.call(["key", verb]).start()];
            both.into_iter().for_each(|one| drop(one.wait()));
            let shown = site.call(["key", "show", "--json"]).run().expect_code(0).json();
            assert_eq!(shown["file"], shown["known"][0], "{verb}: {shown}");
        }
    }
}

#[test]
fn a_key_of_before_a_rotation_signs_nothing_and_the_way_back_is_named() {
    let (site, _) = backed_up(1);
    let old = fs::read(site.path("data/key.kestrel")).unwrap();
    site.call(["key", "rotate"]).run().expect_code(0);
    assert_eq!(fs::read(site.path("data/key.kestrel.previous")).unwrap(), old);
    fs::write(site.path("data/key.kestrel"), old).unwrap();
    for args in [&["log", "checkpoint"][..], &["key", "rotate"]] {
        site.call(args).run().expect_code(1).expect_said("Copy the newest key here");
    }
    assert!(!site.path("data/key.kestrel.next").exists(), "nothing is left behind");
    site.add_documents(1);
    let _server = site.serve();
    site.run_once().env("RUST_LOG", "warn").run().expect_said("the log's checkpoints are not signed");
    let kept = fs::read_to_string(site.path("data/checkpoint.kestrel")).unwrap();
    assert!(!kept.contains('\u{2014}'), "{kept}");
}

#[test]
fn a_key_whose_making_was_killed_is_made_once() {
    for kill in ["key.before-rename", "key.created"] {
        let site = Site::new();
        assert!(site.call(["key", "new"]).kill_at(kill, 1).run().was_killed(), "{kill}");
        site.call(["key", "new"]).run().expect_code(0);
        site.call(["key", "new"]).run().expect_code(1).expect_said("the site has a key");
        let shown = site.call(["key", "show", "--json"]).run().expect_code(0).json();
        assert_eq!(shown["file"], shown["known"][0], "{kill}");
    }
}

#[test]
fn the_documented_key_signs_a_checkpoint() {
    let site = Site::new();
    site.add_documents(1);
    let _server = site.serve();
    site.run_once().run().expect_code(0);
    documented::run(&site, "docs/operations.md", "key", &[]);
    assert!(fs::read_to_string(site.path("checkpoint.txt")).unwrap().starts_with("strongroom/kestrel\n"));
}

#[test]
fn a_key_that_others_can_read_signs_nothing() {
    let (site, _) = backed_up(1);
    let file = site.path("data/key.kestrel");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    site.call(["doctor"]).run().expect_said("strongroom/kestrel+");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    site.call(["doctor"]).run().expect_said("note  key").expect_said("chmod 600");
    site.call(["log", "checkpoint"]).run().expect_code(1).expect_said("others can read it").expect_said("chmod 600");
    fs::write(&file, "PRIVATE+KEY+strongroom/kestrel+00000000+AAAA\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let error = site.call(["log", "checkpoint"]).run().expect_code(1);
    error.expect_said("it is not a private key");
}
