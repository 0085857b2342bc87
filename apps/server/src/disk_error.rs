//! A call on a file or a folder that the operating system refused, and which call it was: both decide what it means.

use std::fmt;
use std::io;

use strongroom_files::{Call, Meaning, meaning};

use crate::trouble::DiskTrouble;

/// What every call below the document root gives.
pub(crate) type Result<T> = std::result::Result<T, DiskError>;

/// A call that was refused.
#[derive(Debug)]
pub(crate) struct DiskError {
    call: Call,
    source: io::Error,
}

impl DiskError {
    /// Makes one of what that call answered.
    pub(crate) const fn of(call: Call) -> impl Fn(io::Error) -> Self + Copy {
        move |source| Self { call, source }
    }

    /// What cannot be done though no call was refused.
    pub(crate) fn other(call: Call, why: impl Into<String>) -> Self {
        Self { call, source: io::Error::other(why.into()) }
    }

    pub(crate) fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }

    /// What it means, where the operating system refused it.
    fn meaning(&self) -> Option<Meaning> {
        meaning(self.call, &self.source)
    }

    /// What it says of the disk or this process, where it is not one file's fault.
    pub(crate) fn trouble(&self) -> Option<DiskTrouble> {
        DiskTrouble::of(self.call, &self.source)
    }
}

/// What is the matter, and what the operating system said.
impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meaning() {
            Some(meaning) => write!(f, "{} ({})", meaning.message, self.source),
            None => self.source.fmt(f),
        }
    }
}

/// What it says is a part of its message.
impl std::error::Error for DiskError {}

impl From<DiskError> for io::Error {
    fn from(error: DiskError) -> Self {
        error.source
    }
}
