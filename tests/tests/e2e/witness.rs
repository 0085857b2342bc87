//! Two sites whose witnesses watch each other's logs.

use std::fs;
use std::net::SocketAddr;

use strongroom_model::Event;
use strongroom_tests::audit::events;
use strongroom_tests::program::{Call, Running};
use strongroom_tests::site::{Site, address_in};

/// A site with a key and some archived files, and its key.
fn backed_up(documents: usize) -> (Site, String) {
    let site = Site::new();
    site.add_documents(documents);
    let _server = site.serve();
    let key = site.call(["key", "new"]).run().expect_code(0).stdout.lines().next().unwrap().to_owned();
    site.run_once().run().expect_code(0);
    (site, key)
}

fn call(site: &Site, args: &[&str]) -> Call {
    site.call(args)
}

/// The witness that this site runs, which watches the log with that key; its own key, and its address.
fn witness(site: &Site, name: &str, watched: &str, listen: &str) -> (Running, String, SocketAddr) {
    let args = ["witness", "--folder", "witness", "--name", name, "--watch", watched, "--listen", listen];
    let mut witness = call(site, &args).start();
    let address = witness.until_said("its address", address_in);
    let key = witness.stdout().lines().next().unwrap().to_owned();
    (witness, key, address)
}

fn cosignatures(note: &str, name: &str) -> usize {
    note.lines().filter(|line| line.starts_with(&format!("\u{2014} {name} "))).count()
}

const ANY: &str = "127.0.0.1:0";
const QUAY: &str = "quay.example/witness";

#[test]
fn two_sites_watch_each_other_and_everything_that_is_handed_out_says_so() {
    let ((harbour, harbour_key), (quay, quay_key)) = (backed_up(2), backed_up(3));
    let (_one, of_harbour, at_harbour) = witness(&harbour, "harbour.example/witness", &quay_key, ANY);
    let (_two, of_quay, at_quay) = witness(&quay, QUAY, &harbour_key, ANY);
    for (site, address, key) in [(&harbour, at_quay, &of_quay), (&quay, at_harbour, &of_harbour)] {
        let url = format!("http://{address}");
        let added = call(site, &["log", "witness", "add", &url, "--key", key]).run().expect_code(0);
        added.expect_said("Give this line to whoever runs that witness");
        let name = key.split('+').next().unwrap();
        let checkpoint = call(site, &["log", "checkpoint"]).run().expect_code(0).stdout;
        assert_eq!(cosignatures(&checkpoint, name), 1, "{checkpoint}");
    }

    // What is kept and handed out has the cosignature, and whoever has the witness's key verifies it.
    harbour.add_documents(2);
    let _server = harbour.serve();
    harbour.run_once().run().expect_code(0);
    for kept in [harbour.path("data/checkpoint.kestrel"), harbour.drive().join(".strongroom/checkpoint.kestrel")] {
        let kept = fs::read_to_string(kept).unwrap();
        assert_eq!(cosignatures(&kept, QUAY), 1, "{kept}");
    }
    let drive = harbour.drive().display().to_string();
    let verify = |witness: &str| call(&harbour, &["log", "verify", "--drive", &drive, "--witness", witness]).run();
    verify(&of_quay).expect_code(0);
    verify(&of_harbour).expect_code(1).expect_said("no cosignature by the witness");
    let mail = harbour.path("data/mail").join(harbour.mailbox().mails().pop().unwrap().file).display().to_string();
    call(&harbour, &["log", "verify", "--mail", &mail, "--witness", &of_quay]).run().expect_code(0);
    let booking = events(&harbour).into_iter().find_map(|event| match event.event {
        Event::TimesheetBackedUp(_) => Some(event.stream.id().to_owned()),
        _ => None,
    });
    let booking = booking.unwrap();
    call(&harbour, &["prove", "booking", &booking]).run().expect_code(0);
    let page = format!("evidence-booking-{booking}.html");
    let check = |args: &[&str]| call(&harbour, &[&["check-proof", &page, "--key", &harbour_key], args].concat()).run();
    check(&["--witness", &of_quay]).expect_code(0).expect_said("cosigned at ").expect_said(QUAY);
    check(&[]).expect_code(0).expect_said("not confirmed");
    check(&["--witness", &of_harbour]).expect_code(1).expect_said("not cosigned");
    call(&harbour, &["doctor"]).run().expect_said("ok    witness").expect_said(QUAY);
    call(&harbour, &["log", "witness", "list"]).run().expect_code(0).expect_said("cosigned ");

    call(&harbour, &["log", "witness", "remove", QUAY]).run().expect_code(0);
    let checkpoint = call(&harbour, &["log", "checkpoint"]).run().expect_code(0).stdout;
    assert_eq!(cosignatures(&checkpoint, QUAY), 0, "{checkpoint}");
    let recorded = events(&harbour);
    assert!(recorded.iter().any(|event| matches!(event.event, Event::WitnessAdded(_))));
    assert!(recorded.iter().any(|event| matches!(event.event, Event::WitnessRemoved(_))));
}

/// Whoever has the site's hosts, drives and key can rewrite all that is there. The witness is elsewhere.
#[test]
fn r4_a_log_that_was_rewritten_with_everything_on_its_hosts_is_refused_by_the_witness() {
    let ((harbour, harbour_key), (quay, _)) = (backed_up(2), backed_up(1));
    let (witness, key, address) = witness(&quay, QUAY, &harbour_key, ANY);
    let add = ["log", "witness", "add", &format!("http://{address}"), "--key", &key];
    call(&harbour, &add).run().expect_code(0);
    call(&harbour, &["log", "checkpoint"]).run().expect_code(0);

    // Another log of the same site, signed by the same key, and no checkpoint of the first is left.
    let forged = Site::new();
    forged.add_documents(6);
    let _server = forged.serve();
    fs::create_dir_all(forged.path("data")).unwrap();
    fs::copy(harbour.path("data/key.kestrel"), forged.path("data/key.kestrel")).unwrap();
    call(&forged, &["key", "new"]).run().expect_code(0);
    call(&forged, &add).run().expect_code(0);
    forged.run_once().run();
    let refused = call(&forged, &["log", "checkpoint"]).run().expect_code(2);
    let refused = refused.expect_said(&format!("not cosigned by {QUAY}")).expect_said("the log was rewritten");
    assert_eq!(cosignatures(&refused.stdout, QUAY), 0);
    call(&forged, &["doctor"]).run().expect_said("note  witness").expect_said("the log was rewritten");

    // A witness that starts again has forgotten nothing.
    witness.stop();
    let (_again, same, _) = self::witness(&quay, QUAY, &harbour_key, &address.to_string());
    assert_eq!(same, key);
    call(&forged, &["log", "checkpoint"]).run().expect_code(2).expect_said("the log was rewritten");
    let checkpoint = call(&harbour, &["log", "checkpoint"]).run().expect_code(0).stdout;
    assert_eq!(cosignatures(&checkpoint, QUAY), 1, "the log that it has seen goes on");
}

#[test]
fn a_witness_that_is_away_stops_nothing_and_is_asked_again() {
    let ((harbour, harbour_key), (quay, _)) = (backed_up(1), backed_up(1));
    let (witness, key, address) = witness(&quay, QUAY, &harbour_key, ANY);
    let url = format!("http://{address}");
    call(&harbour, &["log", "witness", "add", &url, "--key", &key]).run().expect_code(0);
    witness.stop();
    harbour.add_documents(2);
    let _server = harbour.serve();
    harbour.run_once().run().expect_code(0);
    let archived = events(&harbour).iter().filter(|event| matches!(event.event, Event::TimesheetArchived(_))).count();
    assert_eq!(archived, 3);
    let checkpoint = call(&harbour, &["log", "checkpoint"]).run().expect_code(0);
    let checkpoint = checkpoint.expect_said(&format!("not cosigned by {QUAY}: the witness does not answer")).stdout;
    assert!(checkpoint.contains("\u{2014} strongroom/kestrel "), "{checkpoint}");
    call(&harbour, &["doctor"]).run().expect_said("note  witness").expect_said("does not answer");
    let (_again, _, _) = self::witness(&quay, QUAY, &harbour_key, &address.to_string());
    let checkpoint = call(&harbour, &["log", "checkpoint"]).run().expect_code(0).stdout;
    assert_eq!(cosignatures(&checkpoint, QUAY), 1);
    let kept = fs::read_to_string(harbour.path("data/checkpoint.kestrel")).unwrap();
    assert_eq!(cosignatures(&kept, QUAY), 1, "the same checkpoint is kept with it");
}

#[test]
fn what_is_not_a_witness_or_its_key_is_refused_with_the_reason() {
    let (site, site_key) = backed_up(1);
    let add = |url: &str, key: &str| call(&site, &["log", "witness", "add", url, "--key", key]).run();
    add("http://127.0.0.1:9", &site_key).expect_code(64).expect_said("is not a witness's key");
    let args = ["witness", "--folder", "witness", "--show-key"];
    call(&site, &args).run().expect_code(64).expect_said("--name");
    let key = call(&site, &[&args[..], &["--name", QUAY]].concat()).run().expect_code(0).stdout;
    add("ftp://127.0.0.1", key.trim()).expect_code(1).expect_said("is not the address of a witness");
    let secret = fs::read_to_string(site.path("witness/key")).unwrap();
    let shown = add("http://127.0.0.1:9", secret.trim()).expect_code(64).said();
    assert!(!shown.contains("PRIVATE+KEY") && shown.contains("this is a private key"), "{shown}");
    call(&site, &["log", "witness", "remove", QUAY]).run().expect_code(1).expect_said("is not a witness of this log");
    let other = ["witness", "--folder", "witness", "--name", "other.example/witness"];
    call(&site, &other).run().expect_code(1).expect_said("has the name");
}
