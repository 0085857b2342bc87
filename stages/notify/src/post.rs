//! How mails leave: into a folder, or to a mail server.

mod folder;
pub(crate) mod smtp;

use lettre::Address;
use strongroom_model::FailureKind;
use strongroom_model::text::printable;

pub use self::folder::Folder;
pub use self::smtp::{PATIENCE, PATIENCE_AFTER_DATA, Smtp, SmtpSettings, SmtpSetupError};
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

/// What became of a mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Who took it: the mail server's last reply, or the file's name.
    pub receipt: String,
    /// Who has it.
    pub taken: Vec<Address>,
    /// Whom the mail server refused for good, with its words.
    pub refused: Vec<(Address, String)>,
    /// Whom it will take later, with its words.
    pub put_off: Vec<(Address, String)>,
}

impl Delivery {
    /// The receipt, with the recipients that were refused, for the log.
    #[must_use]
    pub fn record(&self) -> String {
        match (self.refused.is_empty(), self.receipt.is_empty()) {
            (true, _) => self.receipt.clone(),
            (false, false) => format!("{}; but {}", self.receipt, self.not_reached()),
            (false, true) => format!("the others have it; but {}", self.not_reached()),
        }
    }

    /// Those who do not have it, with the reasons, on one line.
    #[must_use]
    pub fn not_reached(&self) -> String {
        let refused = self.refused.iter().map(|(address, why)| format!("{address} was refused: {why}"));
        let put_off = self.put_off.iter().map(|(address, why)| format!("{address} was put off: {why}"));
        printable(&refused.chain(put_off).collect::<Vec<_>>().join("; "), RECEIPT_CHARS)
    }
}

impl Post {
    /// Hands a mail over to the addresses' recipients but those that have it already (`reached`). When this
    /// returns well, the mail is on disk or the server's to deliver for all that [`Delivery::taken`] names; after
    /// an error, and after a crash, it may have gone out all the same. Handing it over again makes the same file,
    /// and a mail with the same Message-ID.
    ///
    /// # Errors
    /// It was handed over to nobody, or nobody said that it was.
    pub async fn send(&self, mail: &Mail, addresses: &Addresses, reached: &[String]) -> Result<Delivery, PostError> {
        let bytes = message(mail, addresses)?;
        let mut to = addresses.recipients();
        to.retain(|address| !reached.iter().any(|reached| *reached == address.to_string()));
        if to.is_empty() {
            // Those who are left are no longer to get mails: the configuration was changed in between.
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
