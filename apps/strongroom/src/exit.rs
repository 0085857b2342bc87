//! The program's exit codes.

use std::process::ExitCode;

/// How a verb ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// All is well.
    Well,
    /// What was asked for was not done.
    Failed,
    /// It was done, but there are problems that need a person.
    Problems,
    /// The command line could not be understood (`EX_USAGE` of sysexits.h).
    Usage,
}

impl Exit {
    /// The code for the shell.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::Failed => 1,
            Self::Problems => 2,
            Self::Usage => 64,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
