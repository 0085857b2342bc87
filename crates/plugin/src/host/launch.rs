//! What is started, and where.

use std::ffi::OsString;
use std::path::PathBuf;

use strongroom_model::Digest;
use strongroom_service::process_tree;

use super::digest::digest_of;
use super::environment::Environment;
use super::obstacle::Obstacle;

/// What is started, and where.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program and its arguments, as the configuration lists them. No shell reads them. A program without a folder
    /// is looked for in `PATH`; other paths must be absolute, since the plugin runs in a folder of its own.
    pub argv: Vec<OsString>,
    /// What [`digest_of`] said when a person accepted the plugin; `None`: any, as for built-in plugins.
    pub accepted: Option<Digest>,
    /// The plugin's environment.
    pub environment: Environment,
    /// Where working directories are made. It is made if it is missing.
    pub workdirs: PathBuf,
    /// The file that the detail is written to; `None`: it is not written.
    pub detail: Option<PathBuf>,
    /// What becomes of the plugin's standard input after the request.
    pub stdin: Stdin,
}

/// What becomes of a plugin's standard input after the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdin {
    /// Kept open, so that a `cancel` line can follow.
    Open,
    /// Closed: cancellation starts with SIGTERM.
    Closed,
}

impl Launch {
    /// A plugin that is started from this list, in a folder below `workdirs`.
    #[must_use]
    pub fn new(argv: Vec<OsString>, environment: Environment, workdirs: PathBuf) -> Self {
        Self { argv, accepted: None, environment, workdirs, detail: None, stdin: Stdin::Open }
    }

    /// The program's own path. Fails if it is not there, may not be executed, or is not what was accepted.
    ///
    /// A program that is exchanged between this look and its start is not noticed.
    pub(super) fn program(&self) -> Result<PathBuf, Obstacle> {
        let program = program(&self.argv, &self.environment)?;
        if let Some(accepted) = &self.accepted {
            let found = digest_of(&self.argv, &self.environment)?;
            if found != *accepted {
                return Err(Obstacle::Changed { program, accepted: accepted.clone(), found });
            }
        }
        Ok(program)
    }
}

pub(super) fn program(argv: &[OsString], environment: &Environment) -> Result<PathBuf, Obstacle> {
    let name = argv.first().ok_or(Obstacle::NoProgram)?;
    let missing = || Obstacle::Missing(PathBuf::from(name));
    let found = process_tree::find(name, environment.path()).ok_or_else(missing)?;
    let found = std::path::absolute(&found).map_err(|_| missing())?;
    if process_tree::is_executable(&found) { Ok(found) } else { Err(Obstacle::NotExecutable(found)) }
}
