//! What mail servers do beside the standard, and what becomes of each recipient: everyone is settled, once.

use std::time::Duration;

use strongroom_model::{Event, FailureKind, StreamName};
use strongroom_notify::post::SmtpSettings;

use crate::quirky_server::{Do, Quirk, QuirkyServer};
use crate::site::Site;
use crate::smtp::{post, settings};

const OFFICE: &str = "office@example.com";
const CONSULTANT: &str = "consultant@example.org";
/// Longer than any answer of a server that answers here.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a mail is tried: enough for every quirk that passes.
const ROUNDS: u32 = 4;

/// How a mail ends after all attempts.
#[derive(Debug)]
enum End {
    /// It is recorded as sent; the receipt holds this.
    Sent(&'static str),
    /// It stands at a failure whose message holds this, and is tried again.
    Failed(FailureKind, &'static str),
}
use End::{Failed, Sent};
use FailureKind::{MailRefused, MailUnreachable};

struct Row {
    name: &'static str,
    quirks: &'static [Quirk],
    end: End,
    /// How many copies each of the two recipients has.
    copies: (usize, usize),
}

const fn always(at: &'static str, bytes: &'static [u8]) -> Quirk {
    Quirk { at, then: Do::Say(bytes), times: 0 }
}

const fn once(at: &'static str, bytes: &'static [u8]) -> Quirk {
    Quirk { at, then: Do::Say(bytes), times: 1 }
}

const fn then(at: &'static str, then: Do, times: u32) -> Quirk {
    Quirk { at, then, times }
}

const fn row(name: &'static str, quirks: &'static [Quirk], end: End, copies: (usize, usize)) -> Row {
    Row { name, quirks, end, copies }
}

/// Both have it.
const fn sent(name: &'static str, quirks: &'static [Quirk], receipt: &'static str) -> Row {
    row(name, quirks, Sent(receipt), (1, 1))
}

/// Nobody has it.
const fn failed(name: &'static str, quirks: &'static [Quirk], kind: FailureKind, message: &'static str) -> Row {
    row(name, quirks, Failed(kind, message), (0, 0))
}

const TO_OFFICE: &str = "RCPT TO:<office";
const TO_CONSULTANT: &str = "RCPT TO:<consultant";
static LONG: [u8; 70_000] = {
    let mut line = [b'x'; 70_000];
    (line[0], line[1], line[2], line[3]) = (b'2', b'5', b'0', b' ');
    line
};

static ROWS: &[Row] = &[
    sent("as the standard says", &[], "250 2.0.0 Ok: queued as Q1"),
    // Words that cannot be read: the code decides.
    sent("greeting in Latin-1", &[always("greeting", b"220 mail.example.com Gr\xfc\xdfe")], "250"),
    sent("EHLO reply in Latin-1", &[always("EHLO", b"250-mail gr\xfc\xdft\r\n250 OK")], "250"),
    sent("taken, said in Latin-1", &[always("message", b"250 2.0.0 \xfcbernommen")], "250 2.0.0 \u{fffd}ber"),
    sent("taken, said in GBK", &[always("message", b"250 \xd2\xd1\xbd\xd3\xca\xd5")], "250 "),
    sent("taken, said in UTF-8", &[always("message", "250 übernommen".as_bytes())], "250 übernommen"),
    row("one refused, in Latin-1", &[always(TO_OFFICE, b"550 Empf\xe4nger unbekannt")], Sent("but office@"), (0, 1)),
    // Shapes of replies.
    sent("a code without words", &[always("MAIL", b"250")], "250"),
    sent("a greeting of several lines", &[always("greeting", b"220-a\r\n220-no spam\r\n220 go")], "250"),
    sent("an answer of several lines", &[always("message", b"250-2.0.0 first\r\n250 second")], "first second"),
    sent("line feeds alone", &[then("message", Do::SayRaw(b"250 taken\n"), 0)], "250 taken"),
    sent("an answer of 70,000 bytes", &[always("message", &LONG)], "250 xxx"),
    sent("251 for a recipient elsewhere", &[always("RCPT", b"251 User not local; will forward")], "250"),
    sent("252 for the message", &[always("message", b"252 2.0.0 taken")], "252 2.0.0 taken"),
    failed(
        "a banner that is not SMTP",
        &[always("greeting", b"SSH-2.0-OpenSSH_9.2")],
        MailUnreachable,
        "not an SMTP reply",
    ),
    // Closing at odd moments.
    sent("closed after the answer", &[then("message", Do::SayAndClose(b"250 2.0.0 Ok"), 0)], "250 2.0.0 Ok"),
    sent("closed at QUIT", &[then("QUIT", Do::Close, 0)], "250"),
    sent("no answer to QUIT", &[then("QUIT", Do::Hang, 0)], "250"),
    sent("closed at the greeting, once", &[then("greeting", Do::Close, 1)], "250"),
    sent("closed at DATA, once", &[then("DATA", Do::Close, 1)], "250"),
    sent("closed at the second recipient, once", &[then(TO_CONSULTANT, Do::Close, 1)], "250"),
    sent("busy at first", &[then("greeting", Do::SayAndClose(b"421 4.3.2 too many connections"), 2)], "250"),
    sent("going down at a recipient", &[then(TO_CONSULTANT, Do::SayAndClose(b"421 4.3.2 going down"), 1)], "250"),
    // Recipients one by one.
    row(
        "one put off for ever",
        &[always(TO_CONSULTANT, b"452 4.2.2 mailbox full")],
        Failed(MailUnreachable, "consultant@example.org"),
        (1, 0),
    ),
    sent("one put off twice", &[then(TO_CONSULTANT, Do::Say(b"452 4.2.2 mailbox full"), 3)], "250"),
    sent("the first one put off once", &[once(TO_OFFICE, b"450 4.2.0 greylisted")], "250"),
    sent("all greylisted once", &[then("RCPT", Do::Say(b"451 4.7.1 greylisted"), 2)], "250"),
    sent("one recipient a transaction", &[once(TO_CONSULTANT, b"452 4.5.3 too many recipients")], "250"),
    row(
        "one unknown",
        &[always(TO_OFFICE, b"550 5.1.1 no such user")],
        Sent("but office@example.com was refused"),
        (0, 1),
    ),
    row(
        "one unknown, one put off once",
        &[always(TO_OFFICE, b"550 no such user"), once(TO_CONSULTANT, b"450 later")],
        Sent("but office@"),
        (0, 1),
    ),
    row(
        "put off, then unknown",
        &[once(TO_CONSULTANT, b"450 later"), always(TO_CONSULTANT, b"550 gone")],
        Sent("but consultant@"),
        (1, 0),
    ),
    failed("all unknown", &[always("RCPT", b"550 5.1.1 no such user")], MailRefused, "no such user"),
    sent("refused for one recipient's sake", &[once("message", b"550 5.7.1 policy")], "250"),
    // The whole mail.
    sent("the message put off once", &[once("message", b"451 4.3.0 later")], "250"),
    failed("the message put off for ever", &[always("message", b"451 4.3.0 later")], MailUnreachable, "451 4.3.0"),
    failed("the message refused for good", &[always("message", b"554 5.7.1 spam")], MailRefused, "554 5.7.1 spam"),
    sent("DATA refused once", &[once("DATA", b"451 4.3.0 later")], "250"),
    failed("too big", &[always("MAIL", b"552 5.3.4 message too big")], MailRefused, "552 5.3.4"),
    failed("the sender refused", &[always("MAIL", b"550 5.7.1 not your address")], MailRefused, "mail.from"),
    failed("nobody may connect", &[always("greeting", b"554 5.7.1 go away")], MailRefused, "go away"),
    // The name that it is greeted with.
    failed(
        "only full names",
        &[always("EHLO", b"504 5.5.2 need fully-qualified hostname")],
        MailRefused,
        "set mail.smtp.hello",
    ),
    failed(
        "a syntax that it does not like",
        &[always("EHLO", b"501 Syntactically invalid EHLO argument(s)")],
        MailRefused,
        "mail.smtp.hello",
    ),
    sent("it knows HELO only", &[always("EHLO", b"502 5.5.1 command not implemented")], "250"),
    // Time.
    sent("a slow greeting", &[then("greeting", Do::Wait(Duration::from_millis(300)), 0)], "250"),
    sent("a scanner before the answer", &[then("message", Do::Wait(Duration::from_millis(300)), 0)], "250"),
];

#[tokio::test]
async fn every_recipient_is_settled_once_whatever_the_server_does() {
    assert!(ROWS.len() >= 30);
    let checks: Vec<_> = ROWS.iter().map(|row| tokio::spawn(check(row))).collect();
    for (row, check) in ROWS.iter().zip(checks) {
        check.await.unwrap_or_else(|error| panic!("{}: {error}", row.name));
    }
}

async fn check(row: &'static Row) {
    let (site, server) = (Site::new().await, QuirkyServer::start(row.quirks));
    let patience = PATIENCE;
    let settings = SmtpSettings { patience, patience_after_data: patience, ..settings(server.port) };
    let notify = site.notify_by(post(&settings));
    site.compose("the night of 2026-11-20").await;
    let mut last = None;
    for _ in 0..ROUNDS {
        site.deliver(&notify).await;
        last = site.log.stream(&StreamName::summary(1)).await.unwrap().pop().map(|last| last.event);
        if matches!(last, Some(Event::SummarySent(_))) {
            break;
        }
        // Past the longest wait between two attempts.
        site.clock.advance(Duration::from_secs(6 * 3600));
    }
    let name = row.name;
    match (&row.end, last.expect("a summary has events")) {
        (Sent(text), Event::SummarySent(sent)) => assert!(sent.receipt.contains(text), "{name}: {}", sent.receipt),
        (Failed(kind, text), Event::SummaryFailed(failed)) => {
            assert!(failed.kind == *kind && failed.message.contains(text), "{name}: {kind:?}, {}", failed.message);
            assert!(failed.retry_at.is_some(), "{name}: a mail is never given up");
        }
        (end, event) => panic!("{name}: {end:?} was expected, and it ended with {event:?}"),
    }
    assert_eq!((server.copies(OFFICE), server.copies(CONSULTANT)), row.copies, "{name}: {:?}", server.commands());
}

/// After a login that is refused, its answer may repeat what was sent.
#[tokio::test]
async fn a_password_that_a_server_repeats_is_not_recorded() {
    const ECHO: &[Quirk] = &[always("AUTH", b"535 not so: AGFubgBodW50ZXIy")];
    let (site, server) = (Site::new().await, QuirkyServer::start(ECHO));
    let login = Some(("ann".to_owned(), strongroom_service::config::Secret::new("hunter2")));
    site.compose("the night of 2026-11-20").await;
    site.deliver(&site.notify_by(post(&SmtpSettings { login, ..settings(server.port) }))).await;
    let last = site.log.stream(&StreamName::summary(1)).await.unwrap().pop().unwrap();
    let Event::SummaryFailed(failed) = last.event else { panic!("it was sent") };
    assert!(failed.message.contains("535") && !failed.message.contains("AGFubgBodW50ZXIy"), "{}", failed.message);
    assert!(failed.message.contains("mail.smtp.user") && !failed.message.contains("hunter2"), "{}", failed.message);
    assert!(failed.kind == MailRefused && failed.retry_at.is_some(), "a mail is never given up");
}

/// An alarm that only some recipients got is mailed to the others, and once more to all when it is over.
#[tokio::test]
async fn an_alarm_that_some_were_told_of_goes_to_the_others_alone() {
    const PUT_OFF: &[Quirk] = &[once(TO_CONSULTANT, b"450 4.2.0 greylisted")];
    let (site, server) = (Site::new().await, QuirkyServer::start(PUT_OFF));
    let notify = site.notify_by(post(&settings(server.port)));
    site.raised(strongroom_model::AlarmKind::DriveMissing, "no drive is mounted at /mnt/backup").await;
    for copies in [(1, 0), (1, 1), (1, 1)] {
        site.deliver(&notify).await;
        site.clock.advance(Duration::from_secs(6 * 3600));
        assert_eq!((server.copies(OFFICE), server.copies(CONSULTANT)), copies);
    }
}
