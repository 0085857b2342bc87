//! A failed call on a file or a folder. Which call it was decides, with the error, what it means.

use std::fmt;
use std::io;

use strongroom_files::{Call, Meaning, meaning};

use crate::trouble::DiskTrouble;

pub(crate) type Result<T> = std::result::Result<T, DiskError>;

#[derive(Debug)]
pub(crate) struct DiskError {
    call: Call,
    source: io::Error,
}

impl DiskError {
    pub(crate) const fn of(call: Call) -> impl Fn(io::Error) -> Self + Copy {
        move |source| Self { call, source }
    }

    /// A failure without a refused call.
    pub(crate) fn other(call: Call, why: impl Into<String>) -> Self {
        Self { call, source: io::Error::other(why.into()) }
    }

    pub(crate) fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }

    fn meaning(&self) -> Option<Meaning> {
        meaning(self.call, &self.source)
    }

    /// The trouble of the disk or this process; `None` if it concerns one file.
    pub(crate) fn trouble(&self) -> Option<DiskTrouble> {
        DiskTrouble::of(self.call, &self.source)
    }
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meaning() {
            Some(meaning) => write!(f, "{} ({})", meaning.message, self.source),
            None => self.source.fmt(f),
        }
    }
}

/// The cause is part of the message.
impl std::error::Error for DiskError {}

impl From<DiskError> for io::Error {
    fn from(error: DiskError) -> Self {
        error.source
    }
}
