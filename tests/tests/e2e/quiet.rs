//! `--once` where no terminal looks on: what cron mails, and what a journal holds.

use std::fs;
use std::net::{SocketAddr, TcpListener};

use strongroom_tests::audit::all_is_archived;
use strongroom_tests::program::Ended;
use strongroom_tests::site::Site;

fn is_silent(ended: &Ended) {
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
}

/// One sentence about the site, and the next step; nothing else on either stream.
fn is_one_sentence(ended: &Ended) -> String {
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert!(ended.stderr.is_empty() && lines.len() == 2, "{}", ended.said());
    assert!(lines[0].starts_with("strongroom: site kestrel: ") && lines[1].starts_with("  next: "), "{}", ended.said());
    lines[0].to_owned()
}

#[test]
fn r8_a_run_that_goes_well_says_nothing_and_any_other_one_sentence() {
    let site = Site::new();
    site.add_documents(3);
    let patience = |site: &Site| site.run_once().env("STRONGROOM_RETRY_WAIT_ONCE", "1s");
    {
        let _server = site.serve();
        is_silent(&site.run_once().run().expect_code(0));
        is_silent(&site.run_once().run().expect_code(0));
        assert!(
            site.run_once().env("RUST_LOG", "info").run().stderr.contains("batch settled"),
            "unless it is asked for"
        );
        let json = site.call(["run", "--once", "--json"]).run().expect_code(0);
        assert_eq!((&json.json()["ok"], json.stderr.as_str()), (&true.into(), ""));

        fs::rename(site.drive(), site.path("unplugged")).unwrap();
        let sentence = is_one_sentence(&patience(&site).run().expect_code(2));
        assert!(sentence.contains("1 alarm raised: there is no drive at "), "{sentence}");
        fs::rename(site.path("unplugged"), site.drive()).unwrap();
    }
    let sentence = is_one_sentence(&patience(&site).run().expect_code(2));
    assert!(sentence.contains("the document server "), "{sentence}");
    let _server = site.serve();
    is_silent(&site.run_once().run().expect_code(0));
    all_is_archived(&site, 3);
}

/// An address where nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// No line says a thing twice in a row, and no cause what the line before it ended with.
fn repeats_nothing(said: &str) {
    let mut before = String::new();
    for line in said.lines() {
        let parts: Vec<_> = line.split(": ").map(str::trim).collect();
        assert!(parts.windows(2).all(|pair| pair[0] != pair[1]), "{line}\n{said}");
        let cause = line.trim().strip_prefix("because: ");
        assert!(cause.is_none_or(|cause| !before.ends_with(cause)), "{line}\n{said}");
        before = line.to_owned();
    }
}

#[test]
fn no_cause_is_repeated_where_nobody_answers() {
    let mut site = Site::new();
    let place = nobody();
    site.set("broker.url", &format!("amqp://me:secret@{place}"));
    site.set("source.url", &format!("http://{place}"));
    site.set("mail.smtp.host", "127.0.0.1");
    site.set("mail.smtp.port", &place.port().to_string());
    site.set("mail.smtp.tls", "none");
    site.set("mail.to", "office@example.com");
    site.set("mail.from", "strongroom@example.com");
    let calls = |site: &Site| {
        for verb in [&["doctor"][..], &["status"], &["queue", "parked"], &["topology", "apply"], &["log", "verify"]] {
            let said = site.call(verb).run().said();
            assert!(said.contains("refused") || !said.contains("error"), "{said}");
            repeats_nothing(&said);
        }
    };
    calls(&site);
    site.set("log.url", &format!("postgres://me:secret@{place}/log?sslmode=disable"));
    calls(&site);
    for verb in ["relay", "fetch", "notify"] {
        let ended = site.call([verb]).run().expect_code(1);
        assert!(!ended.said().contains("secret"), "{}", ended.said());
        repeats_nothing(&ended.said());
    }
}

#[test]
fn a_run_that_is_asked_for_while_the_broker_is_away_names_the_broker() {
    let mut site = Site::new();
    let _server = site.serve();
    let place = nobody();
    site.set("broker.url", &format!("amqp://me:secret@{place}"));
    site.set("retry.wait_once", "1s");
    let ended = site.call(["enumerate", "--once"]).run().expect_code(1);
    assert!(ended.stderr.is_empty() && ended.stdout.lines().count() == 2, "{}", ended.said());
    assert!(ended.stdout.starts_with(&format!("The run waits, for the broker at amqp://{place}")), "{}", ended.stdout);
    repeats_nothing(&ended.stdout);
}
