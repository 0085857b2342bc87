//! Why a plugin was not started.

use std::io;
use std::path::PathBuf;

use strongroom_model::Digest;

/// Why a plugin was not started: nothing was tried, and no attempt is used up.
#[derive(Debug, thiserror::Error)]
pub enum Obstacle {
    /// The list of arguments is empty.
    #[error("the job names no program")]
    NoProgram,
    /// There is no such program.
    #[error("the plugin's program {0} is not there")]
    Missing(PathBuf),
    /// It is a folder, or nobody may execute it.
    #[error("{0} is not an executable file")]
    NotExecutable(PathBuf),
    /// A file of the plugin cannot be read, to compare it.
    #[error("{0} cannot be read")]
    Unreadable(PathBuf, #[source] io::Error),
    /// A file of the plugin is another one than was accepted.
    #[error("the plugin {program} has changed since it was accepted: {found}, not {accepted}")]
    Changed {
        /// The program.
        program: PathBuf,
        /// What was accepted.
        accepted: Digest,
        /// What is there now.
        found: Digest,
    },
    /// The working directory cannot be made.
    #[error("the working directory {0} cannot be made")]
    Workdir(PathBuf, #[source] io::Error),
    /// The operating system did not start it.
    #[error("the plugin {0} cannot be started")]
    NotStarted(PathBuf, #[source] io::Error),
    /// A secret is too short to be taken out of logs.
    #[error("the secret {0:?} is shorter than 4 bytes, and would be found in every other word of a log")]
    ShortSecret(String),
    /// The request is too long.
    #[error("the request is {0} bytes long; a plugin reads at most 1 MiB")]
    LongRequest(usize),
}

impl Obstacle {
    /// A stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoProgram | Self::Missing(_) => "plugin-missing",
            Self::NotExecutable(_) => "plugin-not-executable",
            Self::Unreadable(..) => "plugin-unreadable",
            Self::Changed { .. } => "plugin-changed",
            Self::Workdir(..) => "plugin-workdir",
            Self::NotStarted(..) => "plugin-not-started",
            Self::ShortSecret(_) => "secret-too-short",
            Self::LongRequest(_) => "request-too-long",
        }
    }

    /// What a person can do.
    #[must_use]
    pub const fn next_step(&self) -> &'static str {
        match self {
            Self::NoProgram => "give the job the plugin's command, as a list of arguments",
            Self::Missing(_) => "install it, or correct the path in the job's command",
            Self::NotExecutable(_) => "name a program, and give it the permission to be executed: chmod +x",
            Self::Unreadable(..) => "give the service's user the right to read it",
            Self::Changed { .. } => "look at what changed, and accept the new version",
            Self::Workdir(..) => "give the service's user a folder that it can write to, and free space",
            Self::NotStarted(..) => "start it by hand as the service's user, and see why it fails",
            Self::ShortSecret(_) => "use a longer password or key",
            Self::LongRequest(_) => "shorten the job's configuration",
        }
    }
}
