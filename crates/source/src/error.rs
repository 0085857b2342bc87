//! Failed requests.

use std::fmt;
use std::time::Duration;

use http::{Method, StatusCode};
use strongroom_model::event::{AlarmKind, AlarmRaised};
use strongroom_model::{Failure, FailureKind, Fate};

use crate::cause::{Cause, NoConnection};
use crate::client::Source;

/// The subject of alarms about the document server.
pub const SERVER: &str = "server";

/// A failed request.
#[derive(Debug, thiserror::Error)]
#[error("{request}: {cause}")]
pub struct SourceError {
    /// The request.
    pub request: Request,
    /// Why it failed; boxed to keep the error small.
    pub cause: Box<Cause>,
}

/// A request without token and query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The server's scheme, host and port.
    pub server: String,
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// Its subject: decides whom an error concerns.
    pub about: About,
}

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// One booking or its timesheet: an error may concern only that.
    Booking,
    /// The list, marks, moves: an error concerns the server.
    Server,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method, self.server, self.path)
    }
}

impl Request {
    pub(crate) fn failed(&self, cause: Cause) -> SourceError {
        SourceError { request: self.clone(), cause: Box::new(cause) }
    }
}

impl SourceError {
    /// The alarm for errors that concern more than one booking: the server is unreachable, refuses our token, or is not
    /// a document server.
    pub fn obstacle(&self) -> Option<AlarmRaised> {
        let of_server = self.request.about == About::Server;
        let kind = match &*self.cause {
            Cause::Unreachable { .. } | Cause::Unavailable { .. } => AlarmKind::ServerUnreachable,
            Cause::NoStorage { .. } => AlarmKind::ServerStorage,
            Cause::NoAnswer { .. } if of_server => AlarmKind::ServerUnreachable,
            Cause::Unauthorised { .. } => AlarmKind::ServerRefuses,
            Cause::Confused { .. } => AlarmKind::ServerConfused,
            Cause::Stalled { .. } if of_server => AlarmKind::ServerUnreachable,
            Cause::Status { status, .. } if status.is_server_error() => return None,
            Cause::Missing { .. } | Cause::Status { .. } | Cause::Redirected { .. } | Cause::Encoded { .. }
                if of_server =>
            {
                AlarmKind::ServerConfused
            }
            _ => return None,
        };
        Some(self.alarm(kind))
    }

    /// Other errors may concern one booking: a request for the list decides.
    fn is_certainly_the_servers(&self) -> bool {
        let plain = matches!(*self.cause, Cause::Unreachable { .. } | Cause::NoStorage { .. });
        plain || (self.request.about == About::Server && !self.is_passing())
    }

    /// The alarm for a failed [`Source::check`](crate::Source::check): a server that cannot give the shortest list
    /// cannot do anything.
    pub fn into_obstacle(self) -> AlarmRaised {
        self.obstacle().unwrap_or_else(|| self.alarm(AlarmKind::ServerUnreachable))
    }

    fn alarm(&self, kind: AlarmKind) -> AlarmRaised {
        let Self { request: Request { server, method, path, .. }, cause } = self;
        let message = match kind {
            AlarmKind::ServerRefuses => format!("the document server {server} refuses our token: {cause}"),
            AlarmKind::ServerConfused => {
                format!("{server} does not answer as a document server does ({method} {path}): {cause}")
            }
            AlarmKind::ServerStorage => format!("the document server {server} cannot write: {cause}"),
            _ => format!("the document server {server} does not work: {cause}"),
        };
        AlarmRaised { kind, subject: SERVER.to_owned(), message, next_step: self.next_step() }
    }

    /// The code to record where one file, booking or run is concerned.
    pub fn failure_kind(&self) -> FailureKind {
        match &*self.cause {
            Cause::Unreachable { .. } | Cause::Unavailable { .. } | Cause::NoStorage { .. } => FailureKind::ServerError,
            Cause::Status { status, .. } if status.is_server_error() => FailureKind::ServerError,
            Cause::Unauthorised { .. } if self.request.about == About::Booking => FailureKind::DownloadRefused,
            Cause::NoAnswer { .. } => FailureKind::NoAnswer,
            Cause::Unauthorised { .. } => FailureKind::Refused,
            Cause::Missing { .. } => FailureKind::FileMissing,
            Cause::Redirected { .. } => FailureKind::Redirected,
            Cause::Encoded { .. } => FailureKind::Encoded,
            Cause::Stalled { .. } => FailureKind::Stalled,
            Cause::CutShort { .. } => FailureKind::CutShort,
            Cause::TooLong { .. } => FailureKind::TooLong,
            Cause::Status { .. } | Cause::BadAnswer { .. } | Cause::Confused { .. } => FailureKind::BadAnswer,
        }
    }

    /// The failure of the request's booking, with its fate.
    pub fn failure(&self) -> Failure {
        let fate = match (self.is_passing(), self.retry_after()) {
            (true, Some(wait)) => Fate::RetryAfter(wait),
            (true, None) => Fate::Retry,
            (false, _) => Fate::Person,
        };
        Failure::new(self.failure_kind(), self.to_string(), fate)
    }

    /// Whether the next attempt may succeed.
    pub fn is_passing(&self) -> bool {
        match &*self.cause {
            Cause::Unreachable { .. }
            | Cause::NoAnswer { .. }
            | Cause::Unavailable { .. }
            | Cause::NoStorage { .. }
            | Cause::Stalled { .. }
            | Cause::CutShort { .. } => true,
            Cause::Status { status, .. } => status.is_server_error() || *status == StatusCode::REQUEST_TIMEOUT,
            Cause::Unauthorised { .. }
            | Cause::Missing { .. }
            | Cause::Redirected { .. }
            | Cause::Encoded { .. }
            | Cause::TooLong { .. }
            | Cause::BadAnswer { .. }
            | Cause::Confused { .. } => false,
        }
    }

    /// The server's `Retry-After`.
    pub fn retry_after(&self) -> Option<Duration> {
        match *self.cause {
            Cause::Unavailable { retry_after, .. } => retry_after,
            _ => None,
        }
    }

    /// What a person should do.
    pub fn next_step(&self) -> String {
        let server = &self.request.server;
        match &*self.cause {
            Cause::Unreachable { why, .. } => why.next_step(server),
            Cause::NoAnswer { .. } if self.request.about == About::Server => NoConnection::Other.next_step(server),
            Cause::Unavailable { .. } => format!("look at the load and the log of {server}; work goes on by itself"),
            Cause::NoStorage { .. } => storage_step(server),
            Cause::Unauthorised { .. } => {
                "make a token with the scope `backup` on the server, and put it where source.token_file says".to_owned()
            }
            Cause::Redirected { .. } => "if the server has moved, set source.url to its new address".to_owned(),
            Cause::Confused { .. } | Cause::Missing { .. } | Cause::Status { .. }
                if self.request.about == About::Server && !self.is_passing() =>
            {
                format!(
                    "check that source.url is a document server's address, and that both are of one version: {server}"
                )
            }
            _ => self.failure_kind().step().to_owned(),
        }
    }
}

fn storage_step(server: &str) -> String {
    format!("make room on the disk of {server}, or repair it: its log names the disk; work goes on by itself")
}

/// The alarm for a server that reports, about one booking, that it cannot write.
pub fn no_storage(detail: &str) -> AlarmRaised {
    AlarmRaised {
        kind: AlarmKind::ServerStorage,
        subject: SERVER.to_owned(),
        message: format!("the document server cannot write: {detail}"),
        next_step: storage_step("the document server"),
    }
}

impl Source {
    /// The alarm if the server, and not a booking, is the cause: a bad file must not stop the others, and a server that
    /// is down must not use up every file's attempts. Requests the list if the error alone does not decide.
    pub async fn obstacle_behind(&self, error: &SourceError) -> Option<AlarmRaised> {
        if let Some(obstacle) = error.obstacle().filter(|_| error.is_certainly_the_servers()) {
            return Some(obstacle);
        }
        self.check().await.err().map(SourceError::into_obstacle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_cause() -> Vec<Cause> {
        let detail = Some("Busy: try later".to_owned());
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let no = |why| Cause::Unreachable { why, detail: "Connection refused (os error 111)".to_owned() };
        vec![
            no(NoConnection::Refused),
            no(NoConnection::UnknownHost),
            no(NoConnection::TimedOut),
            no(NoConnection::Tls),
            no(NoConnection::Other),
            Cause::NoAnswer { detail: "connection closed before message completed".to_owned() },
            Cause::Unavailable {
                status: StatusCode::SERVICE_UNAVAILABLE,
                retry_after: Some(Duration::from_secs(120)),
                detail: detail.clone(),
            },
            Cause::NoStorage { status: StatusCode::INSUFFICIENT_STORAGE, detail: detail.clone() },
            Cause::Unauthorised { status: StatusCode::FORBIDDEN, detail: detail.clone() },
            Cause::Missing { status: StatusCode::NOT_FOUND, detail: detail.clone() },
            Cause::Status { status, detail: None },
            Cause::Status { status: StatusCode::BAD_REQUEST, detail },
            Cause::Redirected { to: "https://elsewhere.example.org".to_owned() },
            Cause::Encoded { encoding: "gzip".to_owned() },
            Cause::Stalled { received_bytes: 10, waited: Duration::from_secs(30) },
            Cause::CutShort { received_bytes: 10, expected_bytes: Some(38), detail: Some("unexpected EOF".to_owned()) },
            Cause::TooLong { received_bytes: 40, expected_bytes: 38 },
            Cause::BadAnswer { reason: "204 No Content answers no request for a whole file".to_owned() },
            Cause::Confused { reason: "text/html, but not what was asked for: expected value".to_owned() },
        ]
    }

    /// What a person reads, for every cause, about a list and about a file.
    fn described(about: About, path: &str) -> String {
        let server = "https://documents.example.org".to_owned();
        let request = Request { server, method: Method::GET, path: path.to_owned(), about };
        let tell = |cause| {
            let error = request.failed(cause);
            let fate = match error.obstacle() {
                Some(alarm) => format!("alarm {}: {}", alarm.kind.code(), alarm.message),
                None => {
                    format!("{}, {}", error.failure_kind().code(), if error.is_passing() { "retry" } else { "person" })
                }
            };
            format!("{error}\n  {fate}\n  > {}\n", error.next_step())
        };
        every_cause().into_iter().map(tell).collect()
    }

    #[test]
    fn every_error_about_the_server_says_what_and_what_to_do() {
        insta::assert_snapshot!(described(About::Server, "/v1/bookings/waiting"));
    }

    #[test]
    fn every_error_about_a_booking_says_what_and_what_to_do() {
        insta::assert_snapshot!(described(About::Booking, "/v1/bookings/B-1/timesheet"));
    }
}
