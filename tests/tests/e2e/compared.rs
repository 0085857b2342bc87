//! The log, compared with the document server.

use std::process::Command;

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
