//! `strongroom topology`: the exchange and the queues that the site needs on its broker.

use clap::Subcommand;
use strongroom_bus::broker::Topology;
use strongroom_model::DriveId;
use strongroom_service::Config;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::{broker, site};

/// Declares the site's exchange and queues on the broker, or prints them for its administrator
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom topology apply                     declare what is missing; what is there stays
  strongroom topology export > definitions.json for rabbitmqctl import_definitions: users, rights, queues
  strongroom topology export --vhost backups --drive 0197c1f0-7c1e-4d3a-9b7e-2f1f0c5d8a11

The relay does the same by itself where its user may declare queues, again whenever one is missing
and for each new drive. Workers never declare anything."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: TopologyVerb,
}

#[derive(Debug, Subcommand)]
enum TopologyVerb {
    /// Declares the exchange and the queues on the broker that broker.url names
    Apply {
        /// A drive that the log does not know yet; may be given many times
        #[arg(long, value_name = "ID")]
        drive: Vec<DriveId>,
    },
    /// Prints the definitions that `rabbitmqctl import_definitions` reads
    Export {
        /// The virtual host; without it that of broker.url, or /
        #[arg(long, value_name = "NAME")]
        vhost: Option<String>,
        /// A drive that the log does not know yet; may be given many times
        #[arg(long, value_name = "ID")]
        drive: Vec<DriveId>,
    },
}

pub(crate) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    match &args.action {
        TopologyVerb::Apply { drive } => apply(config, drive, out).await,
        TopologyVerb::Export { vhost, drive } => export(config, vhost.as_deref(), drive, out).await,
    }
}

async fn apply(config: &Config, drives: &[DriveId], out: &mut Out) -> Result<Exit, CliError> {
    let broker = broker::needed(config, "topology")?;
    let topology = topology(config, drives).await?;
    broker.apply(&topology).await?;
    out.line(format_args!("declared on {}, or there already:", broker.place()))?;
    for queue in topology.queues() {
        out.line(format_args!("  {}", queue.name))?;
    }
    out.line("Next: strongroom relay")?;
    Ok(Exit::Well)
}

async fn export(config: &Config, vhost: Option<&str>, drives: &[DriveId], out: &mut Out) -> Result<Exit, CliError> {
    let configured = broker::if_any(config, "topology")?.map(|broker| broker::vhost(&broker));
    let vhost = vhost.map(str::to_owned).or(configured).unwrap_or_else(|| "/".to_owned());
    out.json(&topology(config, drives).await?.definitions(&vhost))?;
    Ok(Exit::Well)
}

async fn topology(config: &Config, drives: &[DriveId]) -> Result<Topology, CliError> {
    let log = site::log_if_any(config).await?;
    let topology = broker::topology(config, log.as_ref(), drives).await;
    if let Some(log) = log {
        log.close().await;
    }
    topology
}
