//! Mails to a real mail server, in its good and bad hours.

use std::path::PathBuf;

use strongroom_model::{AlarmKind, Event, FailureKind, StreamName};
use strongroom_notify::Post;
use strongroom_notify::post::{PATIENCE, PATIENCE_AFTER_DATA, Smtp, SmtpSettings};
use strongroom_service::config::{Secret, Tls};

use crate::site::{Site, addresses};
use crate::smtp_server::{Options, SmtpServer};

pub(crate) fn settings(port: u16) -> SmtpSettings {
    SmtpSettings {
        host: "localhost".to_owned(),
        port,
        tls: Tls::None,
        login: None,
        ca_pem: None,
        hello: None,
        patience: PATIENCE,
        patience_after_data: PATIENCE_AFTER_DATA,
    }
}

pub(crate) fn post(settings: &SmtpSettings) -> Post {
    Post::Smtp(Smtp::new(settings).unwrap())
}

/// A certificate for `localhost` that signs itself, and its key, as files.
struct Certificate {
    folder: tempfile::TempDir,
    pem: String,
}

impl Certificate {
    fn new() -> Self {
        let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cert.pem"), pair.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
        Self { folder, pem: pair.cert.pem() }
    }

    fn files(&self) -> (PathBuf, PathBuf) {
        (self.folder.path().join("cert.pem"), self.folder.path().join("key.pem"))
    }

    fn pem(&self) -> Option<Vec<u8>> {
        Some(self.pem.clone().into_bytes())
    }
}

async fn last_event(site: &Site) -> Event {
    site.log.stream(&StreamName::summary(1)).await.unwrap().pop().unwrap().event
}

/// A summary that goes to a server: what is recorded of it.
async fn summary_to(settings: &SmtpSettings) -> (Site, Event) {
    let site = Site::new().await;
    site.compose("the night of 2026-11-20").await;
    site.deliver(&site.notify_by(post(settings))).await;
    let event = last_event(&site).await;
    (site, event)
}

#[tokio::test]
async fn a_mail_goes_to_all_recipients_and_the_servers_answer_is_the_receipt() {
    let server = SmtpServer::start(&Options::default());
    let (_, Event::SummarySent(sent)) = summary_to(&settings(server.port)).await else { panic!("it was not sent") };
    assert_eq!(sent.receipt, "250 2.0.0 Ok: queued as T0001");
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("to=office@example.com,consultant@example.org"), "{}", mails[0]);
    assert!(mails[0].contains(&format!("Message-ID: <{}>", sent.message_id)), "{}", mails[0]);
}

#[tokio::test]
async fn starttls_and_a_login_go_together() {
    let certificate = Certificate::new();
    let login = Some(("strongroom", "hunter2"));
    let server = SmtpServer::start(&Options { tls: Some(certificate.files()), login, ..Options::default() });
    let login = Some(("strongroom".to_owned(), Secret::new("hunter2")));
    let settings = SmtpSettings { tls: Tls::Starttls, login, ca_pem: certificate.pem(), ..settings(server.port) };
    assert!(matches!(summary_to(&settings).await.1, Event::SummarySent(_)));
    assert!(server.mails()[0].contains("login=yes tls=yes"), "{}", server.mails()[0]);
}

#[tokio::test]
async fn tls_from_the_first_byte_works_as_well() {
    let certificate = Certificate::new();
    let server = SmtpServer::start(&Options { tls: Some(certificate.files()), wrapped: true, ..Options::default() });
    let settings = SmtpSettings { tls: Tls::Tls, ca_pem: certificate.pem(), ..settings(server.port) };
    assert!(matches!(summary_to(&settings).await.1, Event::SummarySent(_)));
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_not_trusted() {
    let certificate = Certificate::new();
    let server = SmtpServer::start(&Options { tls: Some(certificate.files()), ..Options::default() });
    let settings = SmtpSettings { tls: Tls::Starttls, ca_pem: Certificate::new().pem(), ..settings(server.port) };
    let (_, Event::SummaryFailed(failed)) = summary_to(&settings).await else { panic!("it was sent") };
    assert_eq!(failed.kind, FailureKind::MailUnreachable);
    assert!(server.mails().is_empty());
}

/// A man in the middle who takes the offer of TLS away gets nothing.
#[tokio::test]
async fn a_server_without_starttls_gets_no_mail_where_starttls_is_wanted() {
    let server = SmtpServer::start(&Options::default());
    let settings = SmtpSettings { tls: Tls::Starttls, ..settings(server.port) };
    assert!(matches!(summary_to(&settings).await.1, Event::SummaryFailed(_)));
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_server_that_was_down_gets_everything_once_it_is_up() {
    let site = Site::new().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let notify = site.notify_by(post(&settings(port)));
    site.compose("the night of 2026-11-20").await;
    site.raised(AlarmKind::DriveMissing, "no drive is mounted at /mnt/backup").await;
    site.deliver(&notify).await;
    let Event::SummaryFailed(failed) = last_event(&site).await else { panic!("it was sent") };
    assert_eq!(failed.kind, FailureKind::MailUnreachable);
    // The pipeline goes on meanwhile, and the log grows.
    site.safe("B-1").await;
    let server = SmtpServer::start(&Options { port, ..Options::default() });
    site.clock.advance(std::time::Duration::from_secs(600));
    site.deliver(&notify).await;
    site.deliver(&notify).await;
    assert!(matches!(last_event(&site).await, Event::SummarySent(_)));
    assert_eq!(server.mails().len(), 2, "the alarm and the summary, each once");
}

#[tokio::test]
async fn a_server_that_goes_silent_is_not_waited_for_for_ever() {
    // It takes connections, and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let patience = std::time::Duration::from_millis(200);
    let settings = SmtpSettings { patience, ..settings(silent.local_addr().unwrap().port()) };
    let (_, Event::SummaryFailed(failed)) = summary_to(&settings).await else { panic!("it was sent") };
    assert!(failed.message.contains("did not finish answering in time"), "{}", failed.message);
}

#[tokio::test]
async fn one_address_that_is_gone_does_not_keep_the_mail_from_the_others() {
    let server = SmtpServer::start(&Options { unknown: "office@example.com", ..Options::default() });
    let (site, Event::SummarySent(sent)) = summary_to(&settings(server.port)).await else { panic!("it was not sent") };
    assert!(sent.receipt.contains("but office@example.com was refused"), "{}", sent.receipt);
    assert_eq!(server.mails().len(), 1);
    // The next summary says so.
    let next = site.compose("the night of 2026-11-21").await;
    let text = site.text(&next).await;
    assert!(text.contains("Mail No 1 did not reach everyone"), "{text}");
}

#[tokio::test]
async fn the_doctor_learns_which_recipients_the_server_takes_and_sends_nothing() {
    let server = SmtpServer::start(&Options { unknown: "office@example.com", ..Options::default() });
    let mut addresses = addresses();
    // The server does not offer SMTPUTF8.
    addresses.to.push("Jörg <jörg@example.com>".parse().unwrap());
    let smtp = Smtp::new(&settings(server.port)).unwrap();
    let tried = smtp.check(&addresses).await.unwrap();
    let shown = |list: &[(lettre::Address, String)]| list.iter().map(|(to, _)| to.to_string()).collect::<Vec<_>>();
    assert_eq!(shown(&tried.refused), ["jörg@example.com", "office@example.com"]);
    assert!(tried.not_reached().contains("does not offer SMTPUTF8"), "{}", tried.not_reached());
    let taken: Vec<_> = tried.taken.iter().map(ToString::to_string).collect();
    assert_eq!(taken, ["consultant@example.org"]);
    assert!(server.mails().is_empty());
}

#[test]
fn settings_that_no_server_should_see_are_refused() {
    let login = Some(("strongroom".to_owned(), Secret::new("hunter2")));
    let hello = Some("two words".to_owned());
    let error = Smtp::new(&SmtpSettings { hello, ..settings(25) }).unwrap_err().to_string();
    assert!(error.contains("mail.smtp.hello") && error.contains("two words"), "{error}");
    let far = SmtpSettings { host: "mail.example.com".to_owned(), login, ..settings(25) };
    let error = Smtp::new(&far).unwrap_err().to_string();
    assert!(error.contains("mail.example.com") && !error.contains("hunter2"), "{error}");
}
