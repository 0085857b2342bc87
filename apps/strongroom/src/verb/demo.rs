//! `strongroom demo`: the whole job, on one machine, in one folder.

use std::path::PathBuf;

use crate::cli_error::CliError;
use crate::demo::stage;
use crate::exit::Exit;
use crate::out::Out;

/// Shows the whole job in a folder of its own: a document server, a drive, a log, a mail
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom demo                               40 generated timesheets, real PDF files
  strongroom demo --files ~/Documents           copies of your own files; they are never touched
  strongroom demo --with-faults                 with a wrong checksum, a missing file, a cut
                                                transfer and a hostile name
  strongroom demo --bookings 500 --dir /tmp/d   more of them, elsewhere

Running it again goes on where it was. The folder holds a strongroom.toml, so every other verb
works there; delete the folder to start anew.")]
pub(crate) struct Args {
    /// The folder to do it all in
    #[arg(long, value_name = "DIR", default_value = "strongroom-demo")]
    pub(crate) dir: PathBuf,
    /// How many bookings to generate [default: 40, or none with --files]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=100_000))]
    pub(crate) bookings: Option<u32>,
    /// Use copies of this folder's files instead of generated ones
    #[arg(long, value_name = "FOLDER")]
    pub(crate) files: Option<PathBuf>,
    /// Add a wrong checksum, a missing file, a cut transfer and a hostile name
    #[arg(long)]
    pub(crate) with_faults: bool,
}

pub(crate) async fn run(args: &Args, out: &mut Out) -> Result<Exit, CliError> {
    Box::pin(stage::play(args, out)).await
}
