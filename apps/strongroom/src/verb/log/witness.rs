//! `strongroom log witness`: who cosigns the log's checkpoints.

use clap::Subcommand;
use serde::Serialize;
use strongroom_eventlog::{AppendError, EventLog};
use strongroom_model::event::{WitnessAdded, WitnessRemoved};
use strongroom_model::{Event, NewEvent, StreamName};
use strongroom_service::actor::person;
use strongroom_service::{Clock, Config};
use strongroom_witness::WitnessClient;
use url::Url;

use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::known_keys::KnownKeys;
use crate::out::Out;
use crate::site;
use crate::witnesses::{Answer, MAX_WITNESSES, SiteWitness, Witnesses, answers, witness_keys};

#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom log witness add https://quay.example/ --key KEY
  strongroom log witness list
  strongroom log witness remove quay.example/witness

A witness at another place signs that each checkpoint of this log continues all that it has seen of
it (c2sp.org/tlog-witness). Signed checkpoints are sent to it, and kept and handed out with its
cosignature. No work waits for a witness that is away. `strongroom witness` runs one."
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: WitnessVerb,
}

#[derive(Debug, Subcommand)]
enum WitnessVerb {
    /// Has a witness cosign the checkpoints from now on, which is recorded
    Add {
        /// The address that its server is reached at
        url: Url,
        /// Its public key, as it was handed to you
        #[arg(long, value_name = "KEY")]
        key: String,
    },
    /// Shows the witnesses, and what each answered last on this host
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Asks a witness no more, which is recorded
    Remove {
        /// Its name, or its public key
        witness: String,
    },
}

/// What `log witness list` prints.
#[derive(Debug, Serialize)]
struct Shown {
    name: String,
    key: String,
    url: String,
    #[serde(flatten)]
    last: Option<Answer>,
}

pub(super) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    match &args.action {
        WitnessVerb::Add { url, key } => add(url, key, config, out).await?,
        WitnessVerb::List { json } => list(*json, config, out).await?,
        WitnessVerb::Remove { witness } => remove(witness, config, out).await?,
    }
    out.flush()?;
    Ok(Exit::Well)
}

async fn add(url: &Url, key: &str, config: &Config, out: &mut Out) -> Result<(), CliError> {
    let keys = witness_keys(&[key.to_owned()])?;
    let [key] = &keys[..] else { return Err(CliError::usage_error("give one key")) };
    let _ = WitnessClient::new(url).context("this witness cannot be asked")?;
    let log = site::log(config).await?;
    let witnesses = Witnesses::read(&log).await?;
    let new = SiteWitness { key: key.clone(), url: url.clone() };
    if witnesses.all.contains(&new) {
        log.close().await;
        return out.line(format_args!("{} is a witness of this log already", key.name()));
    }
    if witnesses.all.len() >= MAX_WITNESSES {
        return Err(CliError::new(format!("the log has {MAX_WITNESSES} witnesses, and a checkpoint holds no more"))
            .next_step("strongroom log witness remove NAME"));
    }
    let added = Event::WitnessAdded(WitnessAdded { key: key.to_string(), url: url.to_string() });
    append(&log, &witnesses, added).await?;
    let site_key = KnownKeys::read(&log).await?.newest().map(ToString::to_string);
    log.close().await;
    out.line(format_args!("{} is asked to cosign each signed checkpoint from now on", key.name()))?;
    match site_key {
        Some(site_key) => out.line(format_args!("Give this line to whoever runs that witness:\n{site_key}")),
        None => out.line("Nothing is signed yet. Next: strongroom key new"),
    }
}

async fn list(json: bool, config: &Config, out: &mut Out) -> Result<(), CliError> {
    let log = site::log_to_read(config).await?;
    let witnesses = Witnesses::read(&log).await?.all;
    let last = answers(config, log.site()).await;
    log.close().await;
    let shown: Vec<Shown> = witnesses
        .iter()
        .map(|witness| {
            let key = witness.key.to_string();
            let last = last.iter().find(|answer| answer.key == key).cloned();
            Shown { name: witness.key.name().to_string(), key, url: witness.url.to_string(), last }
        })
        .collect();
    if json {
        return out.json(&shown);
    }
    if shown.is_empty() {
        return out.line("the log has no witness. Next: strongroom log witness add URL --key KEY");
    }
    for one in shown {
        out.line(format_args!("{}  {}\n  {}", one.name, one.url, one.key))?;
        out.line(format_args!("  {}", said(one.last.as_ref())))?;
    }
    Ok(())
}

/// What a witness answered last.
pub(crate) fn said(last: Option<&Answer>) -> String {
    let Some(last) = last else { return "not asked yet on this host".to_owned() };
    let time = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let cosigned = last.cosigned.map_or_else(
        || "it has cosigned nothing yet".to_owned(),
        |(size, at)| format!("cosigned {size} events on {}", time(at)),
    );
    match &last.problem {
        None => cosigned,
        Some((problem, since)) => format!("{problem} (since {}); {cosigned}", time(*since)),
    }
}

async fn remove(witness: &str, config: &Config, out: &mut Out) -> Result<(), CliError> {
    let log = site::log(config).await?;
    let witnesses = Witnesses::read(&log).await?;
    let is_it = |one: &&SiteWitness| one.key.name().to_string() == witness || one.key.to_string() == witness;
    let found: Vec<_> = witnesses.all.iter().filter(is_it).collect();
    let key = match found[..] {
        [one] => one.key.clone(),
        [] => {
            return Err(CliError::new(format!("{witness} is not a witness of this log"))
                .next_step("strongroom log witness list"));
        }
        _ => {
            return Err(CliError::new(format!("several witnesses have the name {witness}"))
                .next_step("give the public key, as `strongroom log witness list` shows it"));
        }
    };
    append(&log, &witnesses, Event::WitnessRemoved(WitnessRemoved { key: key.to_string() })).await?;
    log.close().await;
    out.line(format_args!("{} is asked no more; what it cosigned stays valid", key.name()))
}

async fn append(log: &EventLog, witnesses: &Witnesses, event: Event) -> Result<(), CliError> {
    let new = NewEvent::new(StreamName::log_key(), witnesses.expected(), Clock::system().now(), person(), event);
    match log.append(vec![new]).await {
        Ok(_) => Ok(()),
        Err(AppendError::Conflict { .. }) => {
            Err(CliError::new("another process changed the log's keys or witnesses meanwhile")
                .next_step("strongroom log witness list, then try again"))
        }
        Err(error) => Err(error.into()),
    }
}
