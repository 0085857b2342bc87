//! `strongroom job`: backup jobs of any kind.

mod accept;
mod adopt;
mod cancel;
mod history;
mod list;
mod logs;
mod plan;
mod run;
mod show;

use std::path::Path;

use clap::Subcommand;
use jiff::tz::TimeZone;
use strongroom_audit::{JobEntry, JobState};
use strongroom_model::JobName;
use strongroom_model::text::{printable, shown_to_the_minute};

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

/// Backup jobs of any kind: how they stand, what they did, and runs by hand
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom job list                                how every job stands, the worst first
  strongroom job show documents                      one job, its last run and what to do
  strongroom job plan documents                      what a run would copy and delete; writes nothing
  strongroom job run documents                       do it now, and see it through
  strongroom job run documents --prove               only read the copy back
  strongroom job history documents                   its runs, the newest first
  strongroom job log documents                       what the tool of its last run said
  strongroom job cancel documents --reason TEXT      end the run in progress
  strongroom job accept documents                    accept the plugin's program as it is now
  strongroom job adopt robocopy.log                  say in one sentence what a log shows

Jobs are sections [[job]] of strongroom.toml; `strongroom run`, or `strongroom transfer` on the job's
host, does them when they are due. A tool's good end is \"copied\"; only a copy that was read back, or
proven otherwise, is \"proven\".
Exit codes: 0 well; 1 failed; 2 done, but something needs a person."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: JobVerb,
}

#[derive(Debug, Subcommand)]
enum JobVerb {
    /// Shows how every job stands, the worst first
    List(list::ListArgs),
    /// Shows one job: its definition, its last run, its proof
    Show(show::ShowArgs),
    /// Does a job now, and sees it through
    Run(run::RunArgs),
    /// Counts what a run would copy and delete; writes nothing
    Plan(plan::PlanArgs),
    /// Shows a job's runs, the newest first
    History(history::HistoryArgs),
    /// Shows what the tool of a run said, after comparing it with its digest in the log
    Log(logs::LogArgs),
    /// Ends the run in progress
    Cancel(cancel::CancelArgs),
    /// Accepts the plugin's program as it is now
    Accept(accept::AcceptArgs),
    /// Says in one sentence what a log of robocopy, rsync, rclone or restic shows
    Adopt(adopt::AdoptArgs),
}

pub(crate) async fn run(args: &Args, file: Option<&Path>, out: &mut Out) -> Result<Exit, CliError> {
    let config = || site::config(file);
    match &args.action {
        JobVerb::List(args) => list::run(args, &config()?, out).await,
        JobVerb::Show(args) => show::run(args, &config()?, out).await,
        JobVerb::Run(args) => Box::pin(run::run(args, &config()?, out)).await,
        JobVerb::Plan(args) => plan::run(args, &config()?, out).await,
        JobVerb::History(args) => history::run(args, &config()?, out).await,
        JobVerb::Log(args) => logs::run(args, &config()?, out).await,
        JobVerb::Cancel(args) => cancel::run(args, &config()?, out).await,
        JobVerb::Accept(args) => accept::run(args, &config()?, out).await,
        JobVerb::Adopt(args) => adopt::run(args, out),
    }
}

/// When a job runs next, in one sentence; `None`: never.
fn next_run(job: &JobEntry, zone: &TimeZone) -> Option<String> {
    match job.next_due {
        Some(due) => Some(format!("Next run due {}.", shown_to_the_minute(due, zone))),
        None if job.state == JobState::Retired => None,
        None => Some("It has no schedule: it runs when `strongroom job run` is given.".to_owned()),
    }
}

/// A job's name, as typed.
pub(crate) fn job_name(text: &str) -> Result<JobName, String> {
    text.parse().map_err(|error: strongroom_model::id::ParseIdError| printable(&error.to_string(), 200))
}
