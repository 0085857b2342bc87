//! `strongroom plugin serve`: a built-in kind, as the plugin that every kind is.

use std::ffi::OsString;

use strongroom_kinds::{Around, BuiltIn, NAMES};
use strongroom_plugin::serve_stdio;
use strongroom_service::{Clock, blocking};

use crate::cli_error::CliError;
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
pub(super) struct ServeArgs {
    /// The kind, as `strongroom plugin list` names it
    #[arg(value_name = "KIND")]
    kind: String,
}

/// The words that start a built-in kind, if it is one.
pub(super) fn words_of(kind: &str) -> Option<Vec<OsString>> {
    let program = std::env::current_exe().ok().filter(|_| NAMES.contains(&kind))?;
    Some(vec![program.into_os_string(), "plugin".into(), "serve".into(), kind.into()])
}

pub(super) async fn run(args: &ServeArgs) -> Result<Exit, CliError> {
    let kind = args.kind.clone();
    let served = blocking(move || {
        let around = Around::new(std::env::var_os("PATH").unwrap_or_default(), Clock::system());
        BuiltIn::named(&kind, around).map(|kind| serve_stdio(&kind))
    });
    match served.await {
        Some(0) => Ok(Exit::Well),
        Some(_) => Err(CliError::usage_error("standard input had no request: plugins are started by strongroom")
            .next_step("strongroom plugin describe KIND")),
        None => Err(CliError::usage_error(format!("unknown kind {:?}; expected {}", args.kind, NAMES.join(", ")))),
    }
}
