//! The program's exit codes.

use std::process::ExitCode;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    Well = 0,
    /// What was asked for was not done.
    Failed = 1,
    /// It was done, but there are problems that need a person.
    Problems = 2,
    /// The command line could not be understood (`EX_USAGE` of sysexits.h).
    Usage = 64,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
