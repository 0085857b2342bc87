//! The log, compared with the document server and with a drive.

use std::fs;
use std::process::Command;

use strongroom_model::Event;
use strongroom_tests::audit::{count, events, export};
use strongroom_tests::site::Site;

/// Changes the server's records as someone with its file could.
fn change(site: &Site, statement: &str) {
    let script = "import sqlite3, sys\n\
        records = sqlite3.connect('data/server.sqlite')\n\
        assert records.execute(sys.argv[1]).rowcount == 1\n\
        records.commit()\n";
    let ended = Command::new("python3").args(["-c", script, statement]).current_dir(site.path(".")).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn a_server_that_says_otherwise_than_the_log_is_named_booking_by_booking() {
    let (site, server) = Site::archived(3);
    site.add_documents(1);
    let compare = |form: &str| site.call(["replay", "--against", "server"].into_iter().chain(form.split_whitespace()));
    compare("").run().expect_code(0).expect_said("4 compared: no difference");
    drop(server);
    let log = site.call(["list", "subjects", "--status", "archived", "--json"]).run().json();
    let ids: Vec<_> =
        log["items"].as_array().unwrap().iter().map(|one| &one["subject"].as_str().unwrap()[8..]).collect();
    change(&site, &format!("UPDATE booking SET size_bytes = 1 WHERE id = '{}'", ids[0]));
    change(&site, &format!("UPDATE proof SET path = 'elsewhere' WHERE booking = '{}'", ids[1]));
    change(&site, &format!("UPDATE booking SET id = 'B-forged' WHERE id = '{}'", ids[2]));
    let _server = site.serve();
    let found = compare("--json").run().expect_code(2).json();
    let mut said: Vec<_> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["subject"].as_str().unwrap(), one["kind"].as_str().unwrap(), one["what"].as_str().unwrap()))
        .collect();
    said.sort_unstable();
    let mut expected = [
        (ids[0], "changed", "size"),
        (ids[1], "changed", "proof"),
        (ids[2], "missing", "booking"),
        ("B-forged", "extra", "booking"),
    ];
    expected.sort_unstable();
    assert_eq!(said, expected);
    let csv = compare("--csv").run().expect_code(2).stdout;
    assert_eq!(csv.lines().count(), 5, "{csv}");
    let text = compare("").run().expect_code(2).expect_said("1 missing, 1 extra, 2 changed").stdout;
    let named = found["items"].as_array().unwrap().iter().filter_map(|one| one["event"].as_str());
    assert!(named.clone().count() == 3 && named.clone().all(|event| text.contains(event)), "{text}");
}

#[test]
fn r8_a_comparison_that_cannot_be_finished_is_no_agreement() {
    let (site, server) = Site::archived(1);
    drop(server);
    site.call(["replay", "--against", "server"]).run().expect_code(1).expect_said("the comparison is not complete");
}

#[test]
fn a_drive_that_is_otherwise_than_the_log_is_named_copy_by_copy_and_nothing_is_written() {
    let site = Site::archived(5).0;
    let compare = |form: &str| site.call(["replay", "--against", "drive"].into_iter().chain(form.split_whitespace()));
    compare("--read").run().expect_code(0).expect_said("5 compared: no difference");
    let proofs = events(&site).into_iter().filter_map(|event| match event.event {
        Event::TimesheetBackedUp(data) => Some((data, event.id.to_string())),
        _ => None,
    });
    let proofs: Vec<_> = proofs.collect();
    let file = |number: usize| site.drive().join(&proofs[number].0.path);
    fs::remove_file(file(0)).unwrap();
    fs::write(file(1), b"another size").unwrap();
    let mut bytes = fs::read(file(2)).unwrap();
    bytes[0] ^= 1;
    fs::write(file(2), bytes).unwrap();
    let manifest = site.months().remove(0).join("manifest-sha256.txt");
    let listed = fs::read_to_string(&manifest).unwrap();
    let removed = proofs[3].0.sha256.hex();
    let kept = listed.lines().filter(|line| !line.starts_with(&removed)).map(|line| format!("{line}\n"));
    fs::write(&manifest, kept.collect::<String>()).unwrap();
    let stray = file(4).with_file_name("stray.pdf");
    fs::write(&stray, b"who wrote this?").unwrap();
    let before = export(&site);

    let mut expected = vec![
        ("missing", "file", proofs[0].0.path.clone(), Some(proofs[0].1.clone())),
        ("changed", "size", proofs[1].0.path.clone(), Some(proofs[1].1.clone())),
        ("missing", "entry", proofs[3].0.path.clone(), Some(proofs[3].1.clone())),
        ("extra", "file", stray.strip_prefix(site.drive()).unwrap().to_str().unwrap().to_owned(), None),
    ];
    let found = |form: &str| {
        let items = compare(form).run().expect_code(2).json()["items"].take();
        let said = |one: &serde_json::Value, what: &str| one[what].as_str().map(str::to_owned);
        let mut items: Vec<_> = items
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                (
                    said(one, "kind").unwrap(),
                    said(one, "what").unwrap(),
                    said(one, "subject").unwrap(),
                    said(one, "event"),
                )
            })
            .filter(|(_, what, ..)| what != "tag-file")
            .collect();
        items.sort();
        items
    };
    let sorted = |expected: &[(&str, &str, String, Option<String>)]| {
        let owned = expected
            .iter()
            .map(|(kind, what, path, event)| ((*kind).to_owned(), (*what).to_owned(), path.clone(), event.clone()));
        let mut owned: Vec<_> = owned.collect();
        owned.sort();
        owned
    };
    assert_eq!(found("--json"), sorted(&expected), "sizes and lists show no flipped byte");
    expected.push(("changed", "digest", proofs[2].0.path.clone(), Some(proofs[2].1.clone())));
    assert_eq!(found("--read --json"), sorted(&expected));
    assert_eq!(found(&format!("{} --read --json", site.drive().display())), sorted(&expected));
    assert_eq!(export(&site), before, "it only reads");

    // Once the log has the damage, the finding is what is named.
    site.call(["drive", "verify"]).run().expect_code(2);
    let finding = events(&site).into_iter().find_map(|event| match event.event {
        Event::CopyDamaged(data) if data.path == proofs[0].0.path => Some(event.id.to_string()),
        _ => None,
    });
    let named = found("--json").into_iter().find(|(_, what, path, _)| what == "file" && *path == proofs[0].0.path);
    assert_eq!(named.unwrap().3, finding);
}

#[test]
fn what_a_run_has_not_proven_yet_is_no_difference_and_another_drive_is_told_apart() {
    let (site, server) = Site::archived(2);
    drop(server);
    fs::create_dir(site.path("red")).unwrap();
    site.call(["drive", "init", "red", "--same-disk", "--in-memory", "--label", "red"]).run().expect_code(0);
    site.call(["replay", "--against", "drive", "red"]).run().expect_code(0).expect_said("0 compared: no difference");
    site.call(["replay", "--against", "drive", "elsewhere"]).run().expect_code(1);
    site.call(["replay", "--against", "server", "red"]).run().expect_code(64).expect_said("--against takes");
    site.add_documents(1);
    let _server = site.serve();
    site.run_once().kill_at("fetch.after-commit", 1).run().expect_killed();
    site.call(["replay", "--against", "drive"]).run().expect_code(2).expect_said("1 extra");
    site.run_once().kill_at("verify.after-read-back", 1).run().expect_killed();
    site.call(["replay", "--against", "drive"]).run().expect_code(0).expect_said("2 compared: no difference");
}

#[test]
fn copies_acts_and_purges_are_listed_as_they_were() {
    let (site, server) = Site::archived(2);
    drop(server);
    let end = events(&site).len() - 1;
    fs::create_dir(site.path("red")).unwrap();
    site.call(["drive", "init", "red", "--same-disk", "--in-memory", "--label", "red"]).run().expect_code(0);
    site.call(["drive", "copy", "--to", "red"]).run().expect_code(0);
    site.call(["drive", "verify"]).run().expect_code(0);
    let rows = |table: &str, more: &[&str]| {
        let args = ["replay", "--table", table, "--json"].into_iter().chain(more.iter().copied());
        site.call(args).run().expect_code(0).json()["items"].as_array().unwrap().clone()
    };
    let then = end.to_string();
    assert_eq!((rows("copies", &[]).len(), rows("copies", &["--as-of", &then]).len()), (4, 2));
    let proofs = |rows: Vec<serde_json::Value>| rows.iter().map(|row| row["proof"].to_string()).collect::<Vec<_>>();
    let (now, before) = (proofs(rows("copies", &[])), proofs(rows("copies", &["--as-of", &then])));
    assert!(before.iter().all(|proof| !now.contains(proof)), "a verification is a newer proof");
    let acts = rows("acts", &[]);
    assert_eq!((acts.len(), rows("acts", &["--as-of", &then]).len()), (2, 0));
    assert_eq!(
        (&acts[0]["act"], &acts[0]["state"], &acts[0]["tally"]["good"]),
        (&"verify".into(), &"finished".into(), &2.into())
    );
    assert_eq!((&acts[1]["act"], &acts[1]["tally"]["written"]), (&"copy".into(), &2.into()));
    assert_eq!(rows("purges", &[]).len(), 0);
    let csv = site.call(["replay", "--table", "copies", "--csv"]).run().expect_code(0).stdout;
    assert_eq!(csv.lines().count(), 5, "{csv}");
    site.call(["list", "copies"]).run().expect_code(0).expect_said("proven");
    site.call(["list", "acts"]).run().expect_code(0).expect_said("2 as proven");
    site.call(["list", "purges"]).run().expect_code(0).expect_said("none");
    let act = acts[0]["id"].as_str().unwrap();
    let told = site.call(["replay", "--stream", &format!("custody/{act}")]).run().expect_code(0);
    told.expect_said(&format!("custody/{act}: finished, 4 events"));
    assert_eq!(count(&site, |event| matches!(event, Event::CopyMade(_))), 2);
}
