//! What a task does.

/// One action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A program.
    Exec {
        /// As it was written: it may have quotes of its own, `%VARIABLES%`, no folder.
        command: String,
        /// The rest of the command line.
        arguments: Option<String>,
        /// Where it starts.
        working_directory: Option<String>,
        /// Its standard input, which cron has.
        input: Option<String>,
    },
    /// A COM class.
    ComHandler {
        /// Its GUID.
        class_id: String,
        /// What it is given.
        data: Option<String>,
    },
    /// A mail; not supported since Windows 8.
    SendEmail {
        /// To whom.
        to: Option<String>,
        /// Its subject.
        subject: Option<String>,
    },
    /// A message on the screen; not supported since Windows 8.
    ShowMessage {
        /// Its title.
        title: Option<String>,
        /// Its text.
        body: Option<String>,
    },
    /// What is not known here: the element's name and text.
    Unknown {
        /// The element.
        name: String,
        /// All text below it.
        text: String,
    },
}

impl Action {
    /// A program without anything else.
    #[must_use]
    pub fn exec(command: impl Into<String>) -> Self {
        Self::Exec { command: command.into(), arguments: None, working_directory: None, input: None }
    }

    /// The kind, as tables name it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Exec { .. } => "Exec",
            Self::ComHandler { .. } => "ComHandler",
            Self::SendEmail { .. } => "SendEmail",
            Self::ShowMessage { .. } => "ShowMessage",
            Self::Unknown { .. } => "unknown",
        }
    }
}
