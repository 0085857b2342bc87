//! No connection, no answer, no permission, and being sent elsewhere.

use std::net::TcpListener;

use http::StatusCode;
use strongroom_model::FailureKind;
use strongroom_model::event::{AlarmKind, AlarmRaised};
use strongroom_source::{Cause, NoConnection, Source, SourceError};

use strongroom_source::testing::{Reply, ScriptedServer, TOKEN, settings};

const EMPTY: &str = r#"{"bookings":[],"waiting":0}"#;

async fn error_of(source: &Source) -> SourceError {
    source.waiting(10, None).await.unwrap_err()
}

/// What a person reads must say where, and what to do, and never the token.
fn told(error: &SourceError, kind: AlarmKind) -> AlarmRaised {
    let alarm = error.obstacle().unwrap_or_else(|| panic!("{error} should be an obstacle"));
    assert_eq!(alarm.kind, kind, "{error}");
    assert_eq!(alarm.subject, "server");
    assert!(!alarm.next_step.is_empty());
    let everything = format!("{error} {error:?} {alarm:?}");
    assert!(!everything.contains(TOKEN), "{everything}");
    alarm
}

#[tokio::test]
async fn a_refused_connection_is_an_obstacle_that_names_the_address() {
    let address = {
        // A port that was just given back: nobody listens there.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let error = error_of(&Source::new(&settings(&format!("http://{address}"))).unwrap()).await;
    assert!(matches!(&*error.cause, Cause::Unreachable { why: NoConnection::Refused, .. }), "{error:?}");
    let alarm = told(&error, AlarmKind::ServerUnreachable);
    assert!(alarm.message.contains(&address) && alarm.next_step.contains("source.url"), "{alarm:?}");
}

#[tokio::test]
async fn an_unknown_host_is_an_obstacle() {
    // A label of more than 63 characters is in nobody's name service: nothing is asked.
    let error = error_of(&Source::new(&settings(&format!("http://{}.invalid", "a".repeat(64)))).unwrap()).await;
    assert!(matches!(&*error.cause, Cause::Unreachable { why: NoConnection::UnknownHost, .. }), "{error:?}");
    told(&error, AlarmKind::ServerUnreachable);
}

#[tokio::test]
async fn a_connection_that_does_not_come_up_in_time_is_an_obstacle() {
    // The handshake belongs to the connection, and nobody answers it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = settings(&format!("https://{}", listener.local_addr().unwrap()));
    settings.connect_timeout = std::time::Duration::from_millis(200);
    settings.authority_pem = Some(authority());
    let error = error_of(&Source::new(&settings).unwrap()).await;
    assert!(matches!(&*error.cause, Cause::Unreachable { why: NoConnection::TimedOut, .. }), "{error:?}");
    told(&error, AlarmKind::ServerUnreachable);
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_an_obstacle_that_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = settings(&format!("https://{}", listener.local_addr().unwrap()));
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    settings.authority_pem = Some(authority());
    let error = error_of(&Source::new(&settings).unwrap()).await;
    assert!(matches!(&*error.cause, Cause::Unreachable { why: NoConnection::Tls, .. }), "{error:?}");
    assert!(told(&error, AlarmKind::ServerUnreachable).next_step.contains("TLS"));
}

#[test]
fn an_authority_that_is_no_certificate_is_refused_at_once() {
    let mut settings = settings("https://localhost");
    settings.authority_pem = Some(b"-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n".to_vec());
    assert!(Source::new(&settings).unwrap_err().to_string().contains("source.ca_file"));
}

fn authority() -> Vec<u8> {
    rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap().cert.pem().into_bytes()
}

#[tokio::test]
async fn a_refused_token_is_an_obstacle_that_tells_the_servers_reason_and_never_the_token() {
    for (line, status) in [("401 Unauthorized", StatusCode::UNAUTHORIZED), ("403 Forbidden", StatusCode::FORBIDDEN)] {
        let server = ScriptedServer::new(move |_| Reply::problem(line, "the token lacks the scope backup\u{202e}\n"));
        let error = error_of(&server.source()).await;
        assert!(matches!(&*error.cause, Cause::Unauthorised { status: found, .. } if *found == status), "{error:?}");
        let alarm = told(&error, AlarmKind::ServerRefuses);
        assert!(alarm.message.contains("lacks the scope backup\\u{202e}\\n"), "{}", alarm.message);
        assert!(alarm.next_step.contains("source.token_file"));
        assert!(server.requests()[0].contains(&format!("authorization: bearer {TOKEN}")), "the token was sent");
    }
}

#[tokio::test]
async fn a_server_that_cannot_work_now_is_an_obstacle() {
    for line in ["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout", "429 Too Many Requests"] {
        let server = ScriptedServer::new(move |_| Reply::proper(line, "busy"));
        let error = error_of(&server.source()).await;
        told(&error, AlarmKind::ServerUnreachable);
        assert!(error.is_passing());
    }
}

#[tokio::test]
async fn a_server_that_asks_to_be_left_alone_is_left_alone() {
    let server = ScriptedServer::new(|_| Reply::proper("503 Service Unavailable\nRetry-After: 120", ""));
    let source = server.source();
    let error = error_of(&source).await;
    assert_eq!(error.retry_after().unwrap().as_secs(), 120);
    let again = error_of(&source.clone()).await;
    assert!(again.retry_after().is_some(), "{again}");
    assert_eq!(server.requests().len(), 1, "it was not asked again");
}

#[tokio::test]
async fn an_error_of_the_servers_own_passes_and_is_no_obstacle() {
    let server = ScriptedServer::new(|_| Reply::problem("500 Internal Server Error", "out of luck"));
    let error = error_of(&server.source()).await;
    assert_eq!(error.obstacle(), None);
    assert_eq!(error.failure_kind(), FailureKind::ServerError);
    assert!(error.is_passing());
    assert!(error.to_string().contains("/v1/bookings/waiting") && error.to_string().contains("out of luck"), "{error}");
    assert_eq!(error.into_obstacle().kind, AlarmKind::ServerUnreachable, "as an answer to `check` it is one");
}

#[tokio::test]
async fn a_server_that_never_answers_is_an_obstacle_in_time() {
    let server = ScriptedServer::new(|_| Reply::silence());
    let error = error_of(&server.impatient()).await;
    assert!(matches!(&*error.cause, Cause::Stalled { received_bytes: 0, .. }), "{error:?}");
    told(&error, AlarmKind::ServerUnreachable);
}

#[tokio::test]
async fn what_is_not_even_http_is_not_an_answer() {
    let server = ScriptedServer::new(|_| Reply::noise(b"220 mail.example.org ESMTP\r\n"));
    told(&error_of(&server.source()).await, AlarmKind::ServerUnreachable);
}

#[tokio::test]
async fn a_redirect_elsewhere_is_not_followed_and_is_an_obstacle() {
    let other = ScriptedServer::new(|_| Reply::json(EMPTY));
    let to = other.url();
    let server =
        ScriptedServer::new(move |_| Reply::proper(&format!("307 Temporary Redirect\nLocation: {to}/v1/x?a=b"), ""));
    let error = error_of(&server.source()).await;
    assert_eq!(*error.cause, Cause::Redirected { to: other.url() });
    assert_eq!(error.failure_kind(), FailureKind::Redirected);
    assert!(told(&error, AlarmKind::ServerConfused).next_step.contains("source.url"));
    assert_eq!(other.requests(), [], "nothing was asked of the other host, and no token sent");
}

#[tokio::test]
async fn a_redirect_to_another_scheme_host_or_nowhere_is_not_followed() {
    for to in ["https://127.0.0.1/", "file:///etc/passwd", "//169.254.169.254/latest", "http://[", "http:", ""] {
        let server = ScriptedServer::new(move |head| {
            // "" is the very same page: a circle.
            assert!(head.starts_with("get /v1/bookings/waiting"), "{head}");
            Reply::proper(&format!("302 Found\nLocation: {to}"), "")
        });
        let error = error_of(&server.source()).await;
        assert!(matches!(&*error.cause, Cause::Redirected { .. }), "{to}: {error:?}");
    }
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed_with_all_that_was_asked() {
    let server = ScriptedServer::new(|head| {
        if head.starts_with("get /v1/") {
            return Reply::proper("308 Permanent Redirect\nLocation: /api/v1/bookings/waiting?limit=10", "");
        }
        Reply::json(EMPTY)
    });
    server.source().waiting(10, None).await.unwrap();
    let heard = server.requests();
    assert!(heard[1].starts_with("get /api/v1/bookings/waiting?limit=10 "), "{}", heard[1]);
    assert!(heard[1].contains(&format!("authorization: bearer {TOKEN}")));
    assert!(heard[1].contains("accept-encoding: identity"));
}

#[tokio::test]
async fn a_circle_of_redirects_ends() {
    let server = ScriptedServer::new(|_| Reply::proper("302 Found\nLocation: /v1/bookings/waiting", ""));
    let error = error_of(&server.source()).await;
    assert!(matches!(&*error.cause, Cause::Redirected { .. }), "{error:?}");
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn no_body_is_asked_for_in_another_encoding() {
    let server = ScriptedServer::new(|_| Reply::json(EMPTY));
    server.source().check().await.unwrap();
    assert!(server.requests()[0].contains("accept-encoding: identity\r\n"), "{}", server.requests()[0]);
}

/// A server, or a proxy before it, closes a kept connection just when it is used again.
#[tokio::test]
async fn a_kept_connection_that_is_closed_says_nothing_about_the_server() {
    let server = ScriptedServer::new(|request| if request.nth == 0 { Reply::json(EMPTY) } else { Reply::noise(b"") });
    let source = server.source();
    // A connection is kept only once the whole answer has been read: not every request finds one.
    while server.requests().iter().filter(|request| request.nth == 1).count() < 3 {
        source.waiting(10, None).await.unwrap();
        source.check().await.unwrap();
    }
}

#[tokio::test]
async fn what_changes_something_is_sent_once() {
    let server = ScriptedServer::new(|_| Reply::noise(b""));
    let error = server.source().move_to_archive(&["SR-1".parse().unwrap()]).await.unwrap_err();
    assert!(matches!(&*error.cause, Cause::NoAnswer { .. }), "{error:?}");
    assert_eq!(server.requests().len(), 1);
}
