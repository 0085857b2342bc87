//! Why a verb failed: what, why, and the next step.

use std::error::Error;
use std::fmt;

use strongroom_model::text::printable;

use crate::exit::Exit;

/// Longer lines are from outside.
const MAX_LINE_CHARS: usize = 2_000;

/// A longer chain repeats itself.
const MAX_CAUSES: usize = 8;

/// Why a verb failed. Printed once, by `main`.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(crate) what: String,
    causes: Vec<String>,
    pub(crate) next: Option<String>,
    pub(crate) exit: Exit,
    pub(crate) told: bool,
    pub(crate) is_final: bool,
}

impl CliError {
    /// With a lower-case fragment that names the thing.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), causes: Vec::new(), next: None, exit: Exit::Failed, told: false, is_final: false }
    }

    pub(crate) fn usage_error(what: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::new(what) }
    }

    /// The reader of our output is gone, which is not an error.
    pub(crate) fn reader_gone() -> Self {
        Self { exit: Exit::Well, told: true, ..Self::new("the reader of the output has gone") }
    }

    /// In-flight work was aborted, as requested.
    pub(crate) fn given_up() -> Self {
        Self::new("in-flight work was aborted; the next start resumes it from the log")
    }

    /// Without a heading of our own.
    pub(crate) fn from_ref(error: &dyn Error) -> Self {
        Self::new(error.to_string()).because(error)
    }

    pub(crate) fn because(mut self, error: &dyn Error) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause.filter(|_| self.causes.len() < MAX_CAUSES) {
            let text = error.to_string();
            // Transparent errors and some libraries repeat their source.
            if !self.causes.last().unwrap_or(&self.what).ends_with(&text) {
                self.causes.push(text);
            }
            cause = error.source();
        }
        self
    }

    pub(crate) fn next_step(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }

    /// Trying again would change nothing.
    pub(crate) fn finally(mut self) -> Self {
        self.is_final = true;
        self
    }

    pub(crate) fn sentence(&self) -> String {
        self.causes.iter().fold(self.what.clone(), |text, cause| format!("{text}: {cause}"))
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", shown(&self.what))?;
        for cause in &self.causes {
            write!(f, "\n  because: {}", shown(cause))?;
        }
        if let Some(next) = &self.next {
            write!(f, "\n  next: {}", shown(next))?;
        }
        Ok(())
    }
}

/// What came from outside must not control a terminal (R9); later lines are indented.
fn shown(text: &str) -> String {
    text.split('\n').map(|line| printable(line, MAX_LINE_CHARS)).collect::<Vec<_>>().join("\n    ")
}

/// Without a heading of our own.
impl<E: Error> From<E> for CliError {
    fn from(error: E) -> Self {
        Self::from_ref(&error)
    }
}

/// Adds a heading to a library's error.
pub(crate) trait ErrorContext<T> {
    /// With a lower-case fragment that names the thing.
    fn context(self, what: impl Into<String>) -> Result<T, CliError>;
    fn context_and_step(self, what: impl Into<String>, step: impl Into<String>) -> Result<T, CliError>;
}

impl<T, E: Error> ErrorContext<T> for Result<T, E> {
    fn context(self, what: impl Into<String>) -> Result<T, CliError> {
        self.map_err(|error| CliError::new(what).because(&error))
    }

    fn context_and_step(self, what: impl Into<String>, step: impl Into<String>) -> Result<T, CliError> {
        self.map_err(|error| CliError::new(what).because(&error).next_step(step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the log cannot be opened")]
    struct Outer(#[source] std::io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("the socket: {0}")]
    struct Repeats(#[source] std::io::Error);

    #[test]
    fn a_cause_that_the_one_before_repeats_is_told_once() {
        let error = CliError::new("no connection").because(&Repeats(std::io::Error::other("refused")));
        assert_eq!(error.sentence(), "no connection: the socket: refused");
        assert_eq!(CliError::from(Repeats(std::io::Error::other("refused"))).sentence(), "the socket: refused");
    }

    #[test]
    fn the_thing_its_causes_and_the_next_step_are_told_once_each() {
        let denied = std::io::Error::new(std::io::ErrorKind::PermissionDenied, "permission denied");
        let error = CliError::from(Outer(denied)).next_step("give this user the folder:\nchown …");
        insta::assert_snapshot!(error, @r"
        error: the log cannot be opened
          because: permission denied
          next: give this user the folder:
            chown …
        ");
    }
}
