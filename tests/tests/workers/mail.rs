//! The mail server is down for the whole run.

use strongroom_tests::fleet::{Fleet, bookings};
use strongroom_tests::smtp::MailServer;

#[test]
#[ignore = "minutes of faults: cargo xtask faults"]
fn the_mail_server_is_down_for_the_whole_run_and_gets_one_mail_after() {
    let folder = tempfile::tempdir().unwrap();
    let server = MailServer::start(&folder.path().join("taken"));
    server.refuse("451 4.3.0 come back later");
    let mut fleet = Fleet::shared();
    let port = server.port.to_string();
    let settings = [
        ("mail.smtp.host", "127.0.0.1"),
        ("mail.smtp.port", &port),
        ("mail.smtp.tls", "none"),
        ("mail.from", "Strongroom <strongroom@example.com>"),
        ("mail.to", "office@example.com"),
        ("retry.delays", "50ms,1s"),
        // One run takes all.
        ("schedule.every", "1h"),
        ("enumerate.oldest", "1000"),
    ];
    for (key, value) in settings {
        fleet.site.set(key, value);
    }
    fleet.site.add_documents(bookings());
    let mut crew = fleet.crew();
    crew.until_archived(bookings());
    crew.until("the mail to have failed more than once", |fleet| {
        fleet.ledger.times("strongroom.summary.failed.v1") > 1
    });
    assert_eq!(server.mailbox().mails().len(), 0, "the mail server took nothing");
    server.accept();
    crew.until_settled();
    let subjects: Vec<_> = server.mailbox().mails().iter().filter_map(|mail| mail.header("Subject")).collect();
    assert_eq!(subjects.len(), 1, "{subjects:?}");
    crew.leave();
    fleet.all_is_well(bookings());
}
