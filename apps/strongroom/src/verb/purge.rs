//! `strongroom purge`: the agreement to delete archived files on the server, and its execution.

mod agreement;
mod credential;
mod decide;
mod judged;
mod list;
mod propose;
mod run;
mod show;

use std::path::Path;

use clap::Subcommand;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

/// Deletes archived files on the server, as two people agreed
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom purge propose --before 2026-01-01 --dry-run       what could go, what not, and why
  strongroom purge propose --before 2026-01-01 --token-file ann.token --as Ann
  strongroom purge show ID                                     each file with its evidence
  strongroom purge approve ID --token-file bob.token --as Bob  by another person
  strongroom purge refuse ID --reason \"too early\" --token-file bob.token --as Bob
  strongroom purge run ID                                      delete what is proven by then
  strongroom purge list                                        every purge ever

Neither a proposal nor an approval deletes anything. A run deletes a file only if its copies are
proven on custody.copies drives, each read back from the device within custody.evidence_fresh_for;
the others stay, with the reason and what would cure it."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: PurgeVerb,
}

#[derive(Debug, Subcommand)]
enum PurgeVerb {
    /// Proposes to delete archived files whose copies are proven; deletes nothing
    Propose(propose::ProposeArgs),
    /// Approves what another person proposed; deletes nothing
    Approve(decide::ApproveArgs),
    /// Refuses a purge, for good
    Refuse(decide::RefuseArgs),
    /// Has the server delete what was approved, each file whose copies are proven at that moment
    Run(run::RunArgs),
    /// Shows a purge: by whom, when, and each file with its evidence
    Show(show::ShowArgs),
    /// Lists the purges, newest first
    List(list::ListArgs),
}

pub(crate) async fn run(args: &Args, file: Option<&Path>, out: &mut Out) -> Result<Exit, CliError> {
    let config = site::config(file)?;
    match &args.action {
        PurgeVerb::Propose(args) => propose::run(args, &config, out).await,
        PurgeVerb::Approve(args) => decide::approve(args, &config, out).await,
        PurgeVerb::Refuse(args) => decide::refuse(args, &config, out).await,
        PurgeVerb::Run(args) => Box::pin(run::run(args, &config, out)).await,
        PurgeVerb::Show(args) => show::run(args, &config, out).await,
        PurgeVerb::List(args) => list::run(args, &config, out).await,
    }
}
