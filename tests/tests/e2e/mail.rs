//! Mails: never lost, told once, and the pipeline goes on without them.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use strongroom_model::{Event, FailureKind};
use strongroom_tests::audit::{all_is_archived, count, events, r7_summaries_tile_the_log};
use strongroom_tests::site::Site;
use strongroom_tests::smtp::MailServer;

fn site_with(port: u16) -> Site {
    let mut site = Site::new();
    site.set("mail.smtp.host", "127.0.0.1");
    site.set("mail.smtp.port", &port.to_string());
    site.set("mail.smtp.tls", "none");
    site.set("mail.from", "Strongroom <strongroom@example.com>");
    site.set("mail.to", "office@example.com");
    // A second retry is left to the next run.
    site.set("retry.wait_once", "1s");
    site.set("retry.delays", "50ms,3s");
    site
}

/// Until the retry that a run has left is due.
fn wait_until_due() {
    std::thread::sleep(Duration::from_secs(4));
}

/// A mail server that answers every mail with that, and a site that mails over it.
fn mailing(reply: Option<&str>) -> (tempfile::TempDir, MailServer, Site) {
    let folder = tempfile::tempdir().unwrap();
    let server = MailServer::start(&folder.path().join("taken"));
    reply.iter().for_each(|reply| server.refuse(reply));
    let site = site_with(server.port);
    (folder, server, site)
}

#[test]
fn a_summary_reaches_the_mail_server() {
    let (_folder, server, site) = mailing(None);
    site.add_documents(3);
    let _server = site.serve();
    site.run_once().run().expect_code(0);
    let mails = server.mailbox().mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(mails[0].header("To").unwrap().contains("office@example.com"));
    assert!(mails[0].text.contains("text/html") && mails[0].text.contains("text/plain"));
    all_is_archived(&site, 3);
}

#[test]
fn a_mail_server_that_is_down_stops_nothing_and_gets_the_mail_later() {
    let (_folder, server, site) = mailing(Some("451 4.3.0 come back later"));
    site.add_documents(3);
    let _server = site.serve();
    site.run_once().run().expect_code(2);
    assert_eq!(site.status()["bookings"]["archived"], 3, "the pipeline goes on");
    let failures: BTreeSet<_> =
        events(&site).iter().filter_map(|event| Some(event.event.failure()?.kind.code())).collect();
    assert_eq!(failures, BTreeSet::from([FailureKind::MailUnreachable.code()]));
    server.accept();
    wait_until_due();
    site.run_once().run().expect_code(0);
    let all = events(&site);
    r7_summaries_tile_the_log(&all);
    assert_eq!(server.mailbox().mails().len(), 2, "the one that waited, and this run's");
}

/// What is printed at the end is what is so at the end.
#[test]
fn a_mail_that_a_slow_server_takes_is_not_reported_as_left_over() {
    // Longer than a run waits for a mail of which nothing is known.
    let (_folder, server, site) = mailing(Some("wait 12"));
    let _server = site.serve();
    let run = site.run_once().run().expect_code(0);
    assert!(!run.said().contains("could not be handed over"), "{}", run.said());
    assert_eq!(server.mailbox().mails().len(), 1);
}

#[test]
fn a_mail_whose_fate_is_unknown_is_sent_again_under_the_same_id() {
    let (_folder, server, site) = mailing(Some("drop"));
    let _server = site.serve();
    site.run_once().run();
    server.accept();
    wait_until_due();
    site.run_once().run().expect_code(0);
    let ids: Vec<_> = server.mailbox().mails().iter().map(|mail| mail.header("Message-ID").unwrap()).collect();
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert!(ids.len() > distinct.len(), "it was sent again: {ids:?}");
    let composed = count(&site, |event| matches!(event, Event::SummaryComposed(_)));
    assert_eq!(distinct.len(), composed, "one id for each summary");
    r7_summaries_tile_the_log(&events(&site));
}

#[test]
fn a_mail_server_that_never_takes_the_mail_keeps_no_run_for_ever() {
    let (_folder, _mail_server, mut site) = mailing(Some("451 4.3.0 come back later"));
    // Every retry is due within the patience.
    site.set("retry.delays", "50ms");
    let _server = site.serve();
    site.run_once().run().expect_code(2);
}

#[test]
fn a_summary_goes_over_starttls_with_a_login_and_not_without() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(path("cert.pem"), made.cert.pem()).unwrap();
    fs::write(path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let server =
        MailServer::start_protected(&path("taken"), &path("cert.pem"), &path("key.pem"), "strongroom", "hunter2");
    let mut site = site_with(server.port);
    site.set("mail.smtp.host", "localhost");
    site.set("mail.smtp.tls", "starttls");
    site.set("mail.smtp.user", "strongroom");
    site.set("mail.smtp.password", "hunter3");
    let _server = site.serve();
    let refused = site.run_once().run().expect_code(2);
    assert!(server.mailbox().mails().is_empty(), "the certificate is nobody's that we trust");
    assert!(!refused.said().contains("hunter3"), "{}", refused.said());
    site.set("mail.smtp.ca_file", path("cert.pem").to_str().unwrap());
    wait_until_due();
    site.run_once().run().expect_code(2);
    assert!(server.mailbox().mails().is_empty(), "the password is wrong");
    site.set("mail.smtp.password", "hunter2");
    wait_until_due();
    site.run_once().run().expect_code(0);
    assert_eq!(server.mailbox().mails().len(), 3, "one for each run, the late ones too");
}
