use jiff::Timestamp;

/// A mail without addresses; equal content makes equal bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// Its file's name, without extension; the same at every attempt.
    pub file_stem: String,
    /// The time in its header.
    pub date: Timestamp,
    /// One line.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// The signed checkpoint that is attached, if any.
    pub checkpoint: Option<String>,
}

/// A mail could not be built.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// A template failed.
    #[error("the mail's template cannot be filled in")]
    Template(#[from] askama::Error),
    /// The parts do not make a message.
    #[error("the mail cannot be put together")]
    Message(#[from] lettre::error::Error),
}

/// The part before the `@`.
pub(crate) fn file_stem(message_id: &str) -> String {
    message_id.split('@').next().unwrap_or_default().to_owned()
}
