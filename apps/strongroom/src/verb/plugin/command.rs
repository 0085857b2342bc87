//! The plugin that a command line names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use strongroom_plugin::host::{Environment, Obstacle};

use super::serve::words_of;
use crate::cli_error::CliError;

/// A program and its arguments, as the last words of a command line.
#[derive(Debug, clap::Args)]
pub(super) struct CommandArgs {
    /// The plugin's program and its arguments, or a built-in kind
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

impl CommandArgs {
    /// The words, with files of the current folder by their whole path: the plugin runs in another one.
    pub(super) fn words(&self) -> Vec<OsString> {
        let only = self.command.first().filter(|_| self.command.len() == 1);
        if let Some(words) = only.and_then(|word| word.to_str()).and_then(words_of) {
            return words;
        }
        let whole = |word: &OsString| {
            let path = Path::new(word);
            let is_file = path.is_file() && path.is_relative();
            std::path::absolute(path).ok().filter(|_| is_file).map_or_else(|| word.clone(), PathBuf::into_os_string)
        };
        self.command.iter().map(whole).collect()
    }
}

/// The environment of the plugins that this process starts.
pub(super) fn environment() -> Environment {
    Environment::of(std::env::vars_os())
}

/// A folder for one call, which goes with it.
pub(super) fn folder() -> Result<tempfile::TempDir, CliError> {
    tempfile::tempdir().map_err(|error| {
        CliError::new("no folder for the plugin can be made").because(&error).next_step("free space in TMPDIR")
    })
}

pub(super) fn not_started(obstacle: &Obstacle) -> CliError {
    CliError::from_ref(obstacle).next_step(obstacle.next_step())
}
