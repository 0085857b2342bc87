use std::io;

use strongroom_model::text::printable;

use super::reply::Reply;
use crate::post::{PostError, RECEIPT_CHARS};

/// A failed SMTP dialogue.
#[derive(Debug, thiserror::Error)]
pub(super) enum SmtpFailure {
    #[error("{}", io_text(.0))]
    Io(#[from] io::Error),
    /// The server refused our name.
    #[error(
        "it does not take the name {name:?} that it was greeted with ({}); set mail.smtp.hello to this host's full name",
        reply.text()
    )]
    Hello { name: String, reply: Reply },
    #[error(
        "it does not offer STARTTLS; set mail.smtp.tls to \"tls\" (port 465), or to \"none\" within a closed network"
    )]
    NoStarttls,
    #[error("it refused the login with {code}; check mail.smtp.user and mail.smtp.password_file")]
    Login { code: u16 },
    #[error("it answered {what} with: {}", reply.text())]
    Refused { what: &'static str, reply: Reply },
}

impl SmtpFailure {
    pub(super) fn unless(done: bool, what: &'static str, reply: Reply) -> Result<(), Self> {
        if done { Ok(()) } else { Err(Self::Refused { what, reply }) }
    }

    /// Only 5yz replies are permanent.
    fn is_permanent(&self) -> bool {
        match self {
            Self::Hello { reply, .. } | Self::Refused { reply, .. } => reply.is_permanent(),
            Self::Login { code } => code / 100 == 5,
            Self::Io(_) | Self::NoStarttls => false,
        }
    }

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
