//! How mails leave: into a folder, or to a mail server.

mod folder;
mod smtp;

use strongroom_model::FailureKind;

pub use self::folder::Folder;
pub use self::smtp::{HAND_OVER, Smtp, SmtpSettings, SmtpSetupError};
use crate::mail::{Mail, MailError};
use crate::message::{Addresses, message};

/// How many characters of a receipt or of a reason are kept.
pub(crate) const RECEIPT_CHARS: usize = 300;

/// A way out for mails.
#[derive(Debug, Clone)]
pub enum Post {
    /// `.eml` files in a folder.
    Folder(Folder),
    /// A mail server.
    Smtp(Smtp),
}

/// A mail that was not handed over.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// It could not be made.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The folder could not take it.
    #[error("cannot write the mail {name} into {folder}: {reason}")]
    Folder {
        /// The file.
        name: String,
        /// The folder.
        folder: String,
        /// What the operating system said.
        reason: String,
    },
    /// The mail server was not reached, or wants us to come back later (4xx).
    #[error("{0}")]
    Later(String),
    /// The mail server will not take it (5xx).
    #[error("{0}")]
    Refused(String),
}

impl PostError {
    /// The stable code of its cause.
    #[must_use]
    pub const fn failure_kind(&self) -> FailureKind {
        match self {
            Self::Mail(_) => FailureKind::Internal,
            Self::Folder { .. } | Self::Later(_) => FailureKind::MailUnreachable,
            Self::Refused(_) => FailureKind::MailRefused,
        }
    }
}

impl Post {
    /// Hands a mail over, and returns who took it: the mail server's reply, or the file's
    /// name. When this returns well, the mail is on disk or the server's to deliver; after
    /// an error, and after a crash, it may have gone out all the same. Handing it over again
    /// makes the same file, and a mail with the same Message-ID.
    ///
    /// # Errors
    /// It was not handed over, or nobody said that it was.
    pub async fn send(&self, mail: &Mail, addresses: &Addresses) -> Result<String, PostError> {
        let bytes = message(mail, addresses)?;
        match self {
            Self::Folder(folder) => folder.write(&mail.file_stem, bytes).await,
            Self::Smtp(smtp) => smtp.send(&bytes, addresses).await,
        }
    }
}
