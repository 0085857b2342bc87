//! A mail before it is addressed.

use jiff::Timestamp;

/// A mail that is ready but for its addresses. The same content makes the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// Its name in a folder, without an extension: the same at every attempt.
    pub file_stem: String,
    /// The time in its header.
    pub date: Timestamp,
    /// Its subject, on one line.
    pub subject: String,
    /// Its text part.
    pub text: String,
    /// Its HTML part.
    pub html: String,
}

/// A mail that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// A template could not be set.
    #[error("the mail's template cannot be filled in")]
    Template(#[from] askama::Error),
    /// The parts make no message.
    #[error("the mail cannot be put together")]
    Message(#[from] lettre::error::Error),
}

/// A Message-ID as a file's name: the part before the `@`.
pub(crate) fn file_stem(message_id: &str) -> String {
    message_id.split('@').next().unwrap_or_default().to_owned()
}
