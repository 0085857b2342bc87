//! `strongroom log import`: the log, made anew of an export.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::PathBuf;

use strongroom_eventlog::{EventLog, Import, MAX_EVENT_BYTES};
use strongroom_proof::Head;
use strongroom_service::Config;

use super::copy::alone;
use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom log import site.jsonl              into the log of the configuration, which must be empty
  zstdcat site.jsonl.zst | strongroom log import -

Stop what runs for the site first. The size and the root that are printed at the end are the export's; an import that
was stopped goes on where it was.")]
pub(super) struct Args {
    /// The export; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let is_stdin = args.file.as_os_str() == "-";
    let what = || format!("cannot read {}", args.file.display());
    let from: Box<dyn Read> =
        if is_stdin { Box::new(io::stdin()) } else { Box::new(File::open(&args.file).context(what())?) };
    let _lock = alone(config)?;
    // Checkpoints that were kept know a longer log than one that is yet to be filled.
    let log = site::unchecked_log(config).await?;
    let imported = import(&log, BufReader::new(from), what).await;
    log.close().await;
    let head = imported?;
    out.line(format_args!("the log of site {} has the {} events of the export", config.site, head.size))?;
    out.line(format_args!("root {}", head.root_base64()))?;
    out.line("Next: strongroom log verify")?;
    Ok(Exit::Well)
}

async fn import(log: &EventLog, mut from: impl io::BufRead, what: impl Fn() -> String) -> Result<Head, CliError> {
    let mut import = Import::into(log).await?;
    // The envelope around an event's data, generously.
    let longest = 2 * MAX_EVENT_BYTES as u64;
    let mut line = String::new();
    loop {
        line.clear();
        let read = (&mut from).take(longest).read_line(&mut line).context(what())?;
        if read == 0 {
            return Ok(import.finish().await?);
        }
        import.line(line.trim_end_matches(['\n', '\r'])).await?;
    }
}
