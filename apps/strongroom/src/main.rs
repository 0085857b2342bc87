//! `strongroom <verb>`: parses the command line and hands over.

mod admission;
mod broker;
mod checkpoint;
mod cli;
mod cli_error;
mod csv;
mod custody;
mod demo;
mod drive_report;
mod exit;
mod jobs;
mod known_keys;
mod log_outage;
mod out;
mod presence;
mod process;
mod run;
mod site;
mod site_key;
mod unrecordable;
mod uses;
mod verb;
mod witnesses;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::cli::Cli;
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::{Out, tell};

fn main() -> ExitCode {
    strongroom_service::memory::bound_allocator();
    // Two linked TLS providers, or none, make rustls panic: this one is it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    strongroom_service::limits::raise_open_files();
    // Names, mails and the log are private: other users cannot read the files that this program creates.
    strongroom_service::private::make_nothing_for_others();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage_error(&error).into(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&CliError::new("the program cannot start").because(&error)).into(),
    };
    let mut out = Out::stdout();
    let done = runtime.block_on(verb::run(cli, &mut out));
    let done = done.and_then(|exit| out.flush().map(|()| exit));
    // A call that blocks on a dead drive must not keep a program that has given up.
    runtime.shutdown_background();
    done.unwrap_or_else(|error| failed(&error)).into()
}

/// The help or the version, which were asked for; or what cannot be understood.
fn usage_error(error: &clap::Error) -> Exit {
    // Nobody can be told if that fails.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Well,
        _ => Exit::Usage,
    }
}

fn failed(error: &CliError) -> Exit {
    if !error.told {
        tell(error);
    }
    error.exit
}
