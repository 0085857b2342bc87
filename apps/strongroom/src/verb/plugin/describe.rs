//! `strongroom plugin describe`.

use std::ffi::OsString;

use serde::Serialize;
use strongroom_plugin::host::{Bounds, Launch, digest_of, run as start};
use strongroom_plugin::protocol::{Describe, Operation, Outcome, Request};
use tokio_util::sync::CancellationToken;

use super::command::{CommandArgs, environment, folder, not_started};
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;

#[derive(Debug, clap::Args)]
pub(super) struct DescribeArgs {
    /// As JSON, with the schema of the job's settings
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    command: CommandArgs,
}

/// What is shown.
#[derive(Debug, Serialize)]
struct Shown {
    /// Of the program, and of the files among its arguments.
    digest: String,
    #[serde(flatten)]
    describe: Describe,
}

pub(super) async fn run(args: &DescribeArgs, out: &mut Out) -> Result<Exit, CliError> {
    let words = args.command.words();
    let digest = digest_of(&words, &environment()).map_err(|obstacle| not_started(&obstacle))?;
    let shown = Shown { digest: digest.to_string(), describe: described(words).await? };
    if args.json {
        out.json(&shown)?;
    } else {
        page(&shown, out)?;
    }
    Ok(Exit::Well)
}

/// What a plugin says of itself, with the name and the version of its greeting where it leaves them out.
pub(super) async fn described(words: Vec<OsString>) -> Result<Describe, CliError> {
    let folder = folder()?;
    let launch = Launch::new(words, environment(), folder.path().to_owned());
    let bounds = Bounds::of(Operation::Describe);
    let request = Request::new(Operation::Describe);
    let ended = start(&launch, request, &bounds, &CancellationToken::new(), &mut |_| {})
        .await
        .map_err(|obstacle| not_started(&obstacle))?;
    let report = ended.verdict.report;
    let (Outcome::Done, Some(mut describe)) = (report.outcome, report.describe) else {
        return Err(CliError::new(format!("the plugin does not describe itself: {}", report.sentence))
            .next_step(report.next_step.unwrap_or_else(|| "strongroom plugin test".to_owned())));
    };
    if let Some(hello) = ended.hello {
        let or = |said: String, greeted: String| if said.is_empty() { greeted } else { said };
        (describe.name, describe.version) = (or(describe.name, hello.name), or(describe.version, hello.version));
    }
    Ok(describe)
}

fn page(shown: &Shown, out: &mut Out) -> Result<(), CliError> {
    let describe = &shown.describe;
    let list = |names: &[String], none: &str| if names.is_empty() { none.to_owned() } else { names.join(", ") };
    out.line(format_args!("{} {}", describe.name, describe.version))?;
    out.line(format_args!("  operations  {}", list(&describe.operations, "none")))?;
    out.line(format_args!("  secrets     {}", list(&describe.secrets, "none")))?;
    out.line(format_args!("  platforms   {}", list(&describe.platforms, "any")))?;
    out.line(format_args!("  deletes     {}", if describe.may_delete { "perhaps, after a plan" } else { "never" }))?;
    out.line(format_args!("  digest      {}", shown.digest))
}
