//! One file for each verb: its arguments, its help and what it does.

pub(crate) mod archive;
pub(crate) mod check_proof;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod custody;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod drive;
pub(crate) mod enumerate;
pub(crate) mod fetch;
pub(crate) mod host;
pub(crate) mod job;
pub(crate) mod key;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod monitor;
pub(crate) mod notify;
pub(crate) mod plugin;
pub(crate) mod prove;
pub(crate) mod purge;
pub(crate) mod queue;
pub(crate) mod relay;
pub(crate) mod replay;
pub(crate) mod restore;
pub(crate) mod retry;
pub(crate) mod run;
pub(crate) mod server;
pub(crate) mod status;
pub(crate) mod target;
pub(crate) mod tasks;
pub(crate) mod topology;
pub(crate) mod transfer;
pub(crate) mod verify;
pub(crate) mod witness;

use crate::cli::{Cli, Verb};
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

pub(crate) async fn run(cli: Cli, out: &mut Out) -> Result<Exit, CliError> {
    let file = cli.config.as_deref();
    let config = || site::config(file);
    match cli.verb {
        Verb::Demo(args) => Box::pin(demo::run(&args, out)).await,
        Verb::Config(args) => config::run(&args, file, out),
        Verb::Drive(args) => drive::run(&args, file, out).await,
        Verb::Doctor(args) => Box::pin(doctor::run(&args, file, out)).await,
        Verb::Run(args) => Box::pin(run::run(&args, config()?, out)).await,
        Verb::Status(args) => Box::pin(status::run(&args, &config()?, out)).await,
        Verb::Restore(args) => Box::pin(restore::run(&args, file, out)).await,
        Verb::Purge(args) => Box::pin(purge::run(&args, file, out)).await,
        Verb::Retry(args) => retry::run(&args, &config()?, out).await,
        Verb::Replay(args) => Box::pin(replay::run(&args, &config()?, out)).await,
        Verb::Job(args) => Box::pin(job::run(&args, file, out)).await,
        Verb::Target(args) => target::run(&args, out),
        Verb::Tasks(args) => tasks::run(&args, file, out),
        Verb::Host(args) => host::run(&args, &config()?, out).await,
        Verb::Monitor(args) => Box::pin(monitor::run(&args, config()?)).await,
        Verb::Transfer(args) => Box::pin(transfer::run(&args, config()?)).await,
        Verb::List(args) => Box::pin(list::run(&args, &config()?, out)).await,
        Verb::Log(args) => Box::pin(log::run(&args, &config()?, out)).await,
        Verb::Key(args) => key::run(&args, &config()?, out).await,
        Verb::Prove(args) => Box::pin(prove::run(&args, &config()?, out)).await,
        Verb::CheckProof(args) => check_proof::run(&args, out),
        Verb::Witness(args) => Box::pin(witness::run(&args, out)).await,
        Verb::Relay(args) => Box::pin(relay::run(&args, config()?)).await,
        Verb::Enumerate(args) => Box::pin(enumerate::run(&args, config()?, out)).await,
        Verb::Fetch(args) => Box::pin(fetch::run(&args, config()?)).await,
        Verb::Verify(args) => Box::pin(verify::run(&args, config()?)).await,
        Verb::Archive(args) => Box::pin(archive::run(&args, config()?)).await,
        Verb::Custody(args) => Box::pin(custody::run(&args, config()?)).await,
        Verb::Notify(args) => Box::pin(notify::run(&args, config()?)).await,
        Verb::Plugin(args) => Box::pin(plugin::run(&args, file, out)).await,
        Verb::Topology(args) => topology::run(&args, &config()?, out).await,
        Verb::Queue(args) => queue::run(&args, &config()?, out).await,
        Verb::Server(args) => Box::pin(server::run(&args, &config()?, out)).await,
        Verb::Completions(args) => completions::run(&args, out),
    }
}
