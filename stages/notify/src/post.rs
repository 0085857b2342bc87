//! Delivery of mails.

mod folder;
pub(crate) mod smtp;

use lettre::Address;
use strongroom_model::FailureKind;
use strongroom_model::text::printable;

pub use self::folder::Folder;
pub use self::smtp::{PATIENCE, PATIENCE_AFTER_DATA, Smtp, SmtpSettings, SmtpSetupError};
use crate::mail::{Mail, MailError};
use crate::message::{Addresses, message};

pub(crate) const RECEIPT_CHARS: usize = 300;

/// Where mails are delivered.
#[derive(Debug, Clone)]
pub enum Post {
    /// `.eml` files in a folder.
    Folder(Folder),
    /// A mail server.
    Smtp(Smtp),
}

/// A mail was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// It could not be built.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The folder did not accept it.
    #[error("cannot write the mail {name} into {folder}: {reason}")]
    Folder {
        /// The file.
        name: String,
        /// The folder.
        folder: String,
        /// The operating system's error.
        reason: String,
    },
    /// The mail server is unreachable, or refused for now (4xx).
    #[error("{0}")]
    Later(String),
    /// The mail server refused for good (5xx).
    #[error("{0}")]
    Refused(String),
}

impl PostError {
    /// The cause's stable code.
    pub const fn failure_kind(&self) -> FailureKind {
        match self {
            Self::Mail(_) => FailureKind::Internal,
            Self::Folder { .. } | Self::Later(_) => FailureKind::MailUnreachable,
            Self::Refused(_) => FailureKind::MailRefused,
        }
    }
}

/// What happened to a mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// The mail server's last reply, or the file's name.
    pub receipt: String,
    /// Recipients that have it.
    pub taken: Vec<Address>,
    /// Recipients refused for good, with replies.
    pub refused: Vec<(Address, String)>,
    /// Recipients to retry, with replies.
    pub put_off: Vec<(Address, String)>,
}

impl Delivery {
    /// The receipt and the refused recipients, for the log.
    pub fn record(&self) -> String {
        match (self.refused.is_empty(), self.receipt.is_empty()) {
            (true, _) => self.receipt.clone(),
            (false, false) => format!("{}; but {}", self.receipt, self.not_reached()),
            (false, true) => format!("the others have it; but {}", self.not_reached()),
        }
    }

    /// Recipients without it, and why, on one line.
    pub fn not_reached(&self) -> String {
        let refused = self.refused.iter().map(|(address, why)| format!("{address} was refused: {why}"));
        let put_off = self.put_off.iter().map(|(address, why)| format!("{address} was put off: {why}"));
        printable(&refused.chain(put_off).collect::<Vec<_>>().join("; "), RECEIPT_CHARS)
    }
}

impl Post {
    /// Delivers a mail to the recipients not in `reached`. On success it is on disk, or the server's responsibility,
    /// for all in [`Delivery::taken`]. After an error or a crash it may have been sent all the same; repeating makes
    /// the same file, or a mail with the same Message-ID.
    ///
    /// # Errors
    /// Nobody has it, or no reply says so.
    pub async fn send(&self, mail: &Mail, addresses: &Addresses, reached: &[String]) -> Result<Delivery, PostError> {
        let bytes = message(mail, addresses)?;
        let mut to = addresses.recipients();
        to.retain(|address| !reached.iter().any(|reached| *reached == address.to_string()));
        if to.is_empty() {
            // The others were removed from the configuration meanwhile.
            return Ok(Delivery { receipt: "everyone has it".to_owned(), ..Delivery::default() });
        }
        match self {
            Self::Folder(folder) => {
                let receipt = folder.write(&mail.file_stem, bytes).await?;
                Ok(Delivery { receipt, taken: to, ..Delivery::default() })
            }
            Self::Smtp(smtp) => {
                let delivery = smtp.send(&bytes, &addresses.from.email, to).await?;
                let is_anyones = !delivery.taken.is_empty() || (!reached.is_empty() && delivery.put_off.is_empty());
                if is_anyones { Ok(delivery) } else { Err(smtp.reached_nobody(&delivery)) }
            }
        }
    }
}
