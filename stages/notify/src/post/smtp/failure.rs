//! What can go wrong between us and a mail server, in words that say what to do.

use std::io;

use strongroom_model::text::printable;

use super::reply::Reply;
use crate::post::{PostError, RECEIPT_CHARS};

/// A dialogue with a mail server that failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum SmtpFailure {
    /// The connection, or what came over it.
    #[error("{}", io_text(.0))]
    Io(#[from] io::Error),
    /// The server did not take the name that it was greeted with.
    #[error(
        "it does not take the name {name:?} that it was greeted with ({}); set mail.smtp.hello to this host's full name",
        reply.text()
    )]
    Hello {
        /// The name.
        name: String,
        /// The server's answer.
        reply: Reply,
    },
    /// TLS is asked for, and the server has none.
    #[error(
        "it does not offer STARTTLS; set mail.smtp.tls to \"tls\" (port 465), or to \"none\" within a closed network"
    )]
    NoStarttls,
    /// The login was refused.
    #[error("it refused the login with {code}; check mail.smtp.user and mail.smtp.password_file")]
    Login {
        /// The reply's code.
        code: u16,
    },
    /// Any other command was refused.
    #[error("it answered {what} with: {}", reply.text())]
    Refused {
        /// What it was asked.
        what: &'static str,
        /// Its answer.
        reply: Reply,
    },
}

impl SmtpFailure {
    /// The failure of a command, unless it was done.
    pub(super) fn unless(done: bool, what: &'static str, reply: Reply) -> Result<(), Self> {
        if done { Ok(()) } else { Err(Self::Refused { what, reply }) }
    }

    /// The reply codes 5yz are for good; all else may pass.
    fn is_permanent(&self) -> bool {
        match self {
            Self::Hello { reply, .. } | Self::Refused { reply, .. } => reply.is_permanent(),
            Self::Login { code } => code / 100 == 5,
            Self::Io(_) | Self::NoStarttls => false,
        }
    }

    /// As a mail's failure, which names the server.
    pub(super) fn of_server(&self, server: &str) -> PostError {
        let message = printable(&format!("mail server {server}: {self}"), RECEIPT_CHARS);
        if self.is_permanent() { PostError::Refused(message) } else { PostError::Later(message) }
    }
}

fn io_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut => "it did not finish answering in time".to_owned(),
        io::ErrorKind::ConnectionRefused => "nothing listens there; check mail.smtp.host and mail.smtp.port".to_owned(),
        _ => error.to_string(),
    }
}
