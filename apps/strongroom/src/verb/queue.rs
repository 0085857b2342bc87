//! `strongroom queue`: messages that nobody could read, which were put aside.

use std::collections::BTreeSet;

use clap::Subcommand;
use serde_json::json;
use strongroom_bus::broker::{Parked, ParkedId, ParkedMessage};
use strongroom_service::Config;

use crate::broker;
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;

/// Shows, replays or drops messages that nobody could read
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom queue parked                       what was put aside, and why it cannot be read
  strongroom queue replay --all                 hand it out again, after an upgrade say
  strongroom queue drop 0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a11

No work is lost with a parked message: what is pending is in the log, and the relay hands it out
again by itself. Replaying saves the wait; dropping loses nothing but the trace of a fault."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: QueueVerb,
}

#[derive(Debug, Subcommand)]
enum QueueVerb {
    /// Lists what was put aside; it stays where it is
    Parked {
        /// How many of the oldest to show
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Hands messages out again by the key that they first came by
    Replay(Which),
    /// Removes messages
    Drop(Which),
}

/// Which of them.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["ids", "all"]))]
struct Which {
    /// The messages' ids, as `strongroom queue parked` shows them
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// All of them
    #[arg(long)]
    all: bool,
}

impl Which {
    fn ids(&self) -> Option<BTreeSet<ParkedId>> {
        (!self.all).then(|| self.ids.iter().map(ParkedId::new).collect())
    }
}

pub(crate) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let parked = Parked::new(&broker::needed(config, "queue")?);
    match &args.action {
        QueueVerb::Parked { limit, json } => list(&parked, *limit, *json, out).await,
        QueueVerb::Replay(which) => replay(&parked, which, out).await,
        QueueVerb::Drop(which) => discard(&parked, which, out).await,
    }
}

async fn list(parked: &Parked, limit: usize, json: bool, out: &mut Out) -> Result<Exit, CliError> {
    let messages = parked.list(limit).await?;
    if json {
        out.json(&messages.iter().map(shown).collect::<Vec<_>>())?;
    } else if messages.is_empty() {
        out.line("nothing is parked")?;
    } else {
        for message in &messages {
            out.line(line(message))?;
        }
        out.line("Next: strongroom queue replay ID …, or strongroom queue drop ID …")?;
    }
    Ok(if messages.is_empty() { Exit::Well } else { Exit::Problems })
}

fn shown(message: &ParkedMessage) -> serde_json::Value {
    json!({
        "id": message.id.to_string(),
        "type": message.type_name,
        "queue": message.queue,
        "size_bytes": message.size_bytes,
        "fault": message.fault,
    })
}

fn line(message: &ParkedMessage) -> String {
    let what = message.type_name.as_deref().unwrap_or("no type");
    let queue = message.queue.as_ref().map_or_else(String::new, |queue| format!(", from {queue}"));
    let why = message.fault.as_deref().unwrap_or("this version can read it: replay it");
    format!("{}  {what}, {} bytes{queue}\n  {why}", message.id, message.size_bytes)
}

async fn replay(parked: &Parked, which: &Which, out: &mut Out) -> Result<Exit, CliError> {
    let replayed = parked.replay(which.ids().as_ref()).await?;
    out.line(format_args!("{} published again", replayed.replayed))?;
    if replayed.stayed > 0 {
        out.line(format_args!(
            "{} still parked: no queue takes them; `strongroom topology apply` declares what is missing",
            replayed.stayed
        ))?;
    }
    found(replayed.replayed + replayed.stayed, which, replayed.stayed > 0, out)
}

async fn discard(parked: &Parked, which: &Which, out: &mut Out) -> Result<Exit, CliError> {
    let dropped = parked.discard(which.ids().as_ref()).await?;
    out.line(format_args!("{dropped} dropped"))?;
    found(dropped, which, false, out)
}

/// Whether every message that was named was there.
fn found(number: usize, which: &Which, problems: bool, out: &mut Out) -> Result<Exit, CliError> {
    if number == 0 && !which.all {
        out.line("these ids are not parked; next: strongroom queue parked")?;
        return Ok(Exit::Failed);
    }
    Ok(if problems { Exit::Problems } else { Exit::Well })
}
