//! Standard output: whole pages or line by line, quiet when its reader has gone.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};

use crate::cli_error::CliError;

/// How much is gathered before it is written: a pipe's own buffer on Linux.
const BUFFER_BYTES: usize = 64 * 1024;

pub(crate) struct Out {
    to: io::BufWriter<io::Stdout>,
}

impl Out {
    pub(crate) fn stdout() -> Self {
        Self { to: io::BufWriter::with_capacity(BUFFER_BYTES, io::stdout()) }
    }

    pub(crate) fn line(&mut self, text: impl fmt::Display) -> Result<(), CliError> {
        writeln!(self.to, "{text}").map_err(|error| lost(&error))
    }

    pub(crate) fn raw(&mut self, text: impl fmt::Display) -> Result<(), CliError> {
        write!(self.to, "{text}").map_err(|error| lost(&error))
    }

    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string_pretty(value).map_err(CliError::from)?;
        self.line(text)
    }

    pub(crate) fn flush(&mut self) -> Result<(), CliError> {
        self.to.flush().map_err(|error| lost(&error))
    }
}

/// Whether bars may move on standard output.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal() && io::stderr().is_terminal()
}

/// Whether a person reads either, and not cron's mail, a journal or a pipe.
pub(crate) fn is_watched() -> bool {
    io::stdout().is_terminal() || io::stderr().is_terminal()
}

/// One line on standard error. If that fails, nobody can be told.
pub(crate) fn tell(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn lost(error: &io::Error) -> CliError {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return CliError::reader_gone();
    }
    CliError::new("standard output cannot be written to").because(error)
}
