//! Who decides about a purge, and with which token: each act takes a person's own.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use strongroom_service::Config;
use strongroom_service::actor::user;
use strongroom_source::{Cause, Source, SourceError};

use crate::cli_error::{CliError, ErrorContext as _};
use crate::site;

/// A token, not a key ring.
const MAX_TOKEN_BYTES: u64 = 4096;

#[derive(Debug, clap::Args)]
pub(super) struct Credential {
    /// The file that holds your own token for the document server, and nothing else
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Your name, as it is recorded; without it the user that you logged in as
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
}

impl Credential {
    pub(super) fn name(&self) -> String {
        self.name.clone().unwrap_or_else(user)
    }

    /// A client with that person's token, whose scope the act needs.
    pub(super) fn source(&self, config: &Config, scope: &str) -> Result<Source, CliError> {
        let Some(path) = &self.token_file else {
            return Err(CliError::usage_error(format!(
                "no token was named: this takes a person's own one, with the scope `{scope}`"
            ))
            .next_step(format!("name its file with --token-file; {}", token_step(scope))));
        };
        site::source_with(config, &read(path)?)
    }
}

fn read(path: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(MAX_TOKEN_BYTES).read_to_string(&mut text)).context_and_step(
        format!("cannot read the token in {}", path.display()),
        "check that it exists and that this user may read it",
    )?;
    let token = text.trim_end_matches(['\r', '\n']);
    if token.is_empty() || token.contains(char::is_control) {
        return Err(CliError::new(format!("{} does not hold a token on one line and nothing else", path.display()))
            .next_step("write the token into it as `strongroom server token create --out FILE` does"));
    }
    Ok(token.to_owned())
}

fn token_step(scope: &str) -> String {
    format!("`strongroom server token create --name NAME --scope {scope} --out FILE` on the document server makes one")
}

/// The server's refusal of a person's act: its words name the next step, except where the token is at fault.
pub(super) fn refused(error: &SourceError, scope: &str) -> CliError {
    let told = CliError::from_ref(error);
    match &*error.cause {
        Cause::Unauthorised { .. } => told.next_step(format!(
            "use a token of your own, with the scope `{scope}`, that neither proposed this purge nor reports copies; {}",
            token_step(scope)
        )),
        Cause::Missing { .. } => told.next_step("`strongroom purge list` shows the purges that there are"),
        Cause::Status { .. } => told,
        _ => told.next_step(error.next_step()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_line_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ann.token");
        assert!(read(&path).unwrap_err().sentence().contains("cannot read the token"));
        for (content, token) in [("abc\n", Some("abc")), ("abc", Some("abc")), ("", None), ("a\nb\n", None)] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(read(&path).ok().as_deref(), token, "{content:?}");
        }
    }
}
