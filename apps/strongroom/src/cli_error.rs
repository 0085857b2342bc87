//! Why a verb could not do what was asked: what, why, and the next step.

use std::error::Error;
use std::fmt;

use crate::exit::Exit;

/// How many causes are printed at most: a chain longer than this repeats itself.
const MAX_CAUSES: usize = 8;

/// Why a verb could not do what was asked. It is printed once, by `main`.
#[derive(Debug)]
pub(crate) struct CliError {
    what: String,
    causes: Vec<String>,
    next: Option<String>,
    exit: Exit,
    told: bool,
    is_final: bool,
}

impl CliError {
    /// Something went wrong; a lower-case fragment that names the thing.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), causes: Vec::new(), next: None, exit: Exit::Failed, told: false, is_final: false }
    }

    /// The command line asks for what cannot be.
    pub(crate) fn usage_error(what: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::new(what) }
    }

    /// The reader of our output has gone: there is nobody to tell, and nothing is wrong.
    pub(crate) fn reader_gone() -> Self {
        Self { exit: Exit::Well, told: true, ..Self::new("the reader of the output has gone") }
    }

    /// What was in hand was let go of, as was asked for.
    pub(crate) fn given_up() -> Self {
        Self::new("in-flight work was aborted; the next start resumes it from the log")
    }

    /// With an error and all that led to it.
    pub(crate) fn because(mut self, error: &dyn Error) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause.filter(|_| self.causes.len() < MAX_CAUSES) {
            let text = error.to_string();
            // A transparent error says what its source says, and some libraries end with what their source says.
            if !self.causes.last().unwrap_or(&self.what).ends_with(&text) {
                self.causes.push(text);
            }
            cause = error.source();
        }
        self
    }

    /// With what a person does about it.
    pub(crate) fn next_step(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }

    /// Trying again would change nothing.
    pub(crate) fn finally(mut self) -> Self {
        self.is_final = true;
        self
    }

    /// Whether trying again would change nothing.
    pub(crate) const fn is_final(&self) -> bool {
        self.is_final
    }

    /// What it is about, without causes and next step.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// What it is about, with its causes, in one sentence.
    pub(crate) fn sentence(&self) -> String {
        self.causes.iter().fold(self.what.clone(), |text, cause| format!("{text}: {cause}"))
    }

    /// What a person does about it.
    pub(crate) fn step(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// How the program ends.
    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }

    /// Whether there is nobody left to tell.
    pub(crate) const fn is_told(&self) -> bool {
        self.told
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        for cause in &self.causes {
            write!(f, "\n  because: {}", cause.replace('\n', "\n    "))?;
        }
        if let Some(next) = &self.next {
            write!(f, "\n  next: {}", next.replace('\n', "\n    "))?;
        }
        Ok(())
    }
}

/// An error that names itself well enough: its chain, without a heading of our own.
impl<E: Error> From<E> for CliError {
    fn from(error: E) -> Self {
        Self::new(error.to_string()).because(&error)
    }
}

/// Turns a library's error into a [`CliError`] that names what was being done.
pub(crate) trait ErrorContext<T> {
    /// With a heading: a lower-case fragment that names the thing.
    fn context(self, what: impl Into<String>) -> Result<T, CliError>;
    /// With a heading and the next step.
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
        let trouble = CliError::new("no connection").because(&Repeats(std::io::Error::other("refused")));
        assert_eq!(trouble.sentence(), "no connection: the socket: refused");
        assert_eq!(CliError::from(Repeats(std::io::Error::other("refused"))).sentence(), "the socket: refused");
    }

    #[test]
    fn the_thing_its_causes_and_the_next_step_are_told_once_each() {
        let denied = std::io::Error::new(std::io::ErrorKind::PermissionDenied, "permission denied");
        let trouble = CliError::from(Outer(denied)).next_step("give this user the folder:\nchown …");
        insta::assert_snapshot!(trouble, @r"
        error: the log cannot be opened
          because: permission denied
          next: give this user the folder:
            chown …
        ");
    }
}
