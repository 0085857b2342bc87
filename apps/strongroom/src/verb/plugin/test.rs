//! `strongroom plugin test`: the conformance kit.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use strongroom_plugin::kit::{Case, Kit, Patience, Status, Tried};
use strongroom_plugin::protocol::{MAX_REQUEST_BYTES, Secret};

use super::command::{CommandArgs, environment, folder};
use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::out::Out;

#[derive(Debug, clap::Args)]
pub(super) struct TestArgs {
    /// The job's settings as JSON, with {source} and {target} where folders of the test belong; without it the first
    /// of the plugin's own examples
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Secrets that the plugin needs, as a JSON object of texts; must be readable by you alone
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
    /// A program to run before each case, with the source folder and the target folder as arguments, such as to make
    /// a repository
    #[arg(long, value_name = "PROGRAM")]
    before: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// What was said in each case, as JSON, for the plugin's repository to keep
    #[arg(long, conflicts_with = "json")]
    record: bool,
    #[command(flatten)]
    command: CommandArgs,
}

pub(super) async fn run(args: &TestArgs, out: &mut Out) -> Result<Exit, CliError> {
    let folder = folder()?;
    let secrets: BTreeMap<String, String> = args.secrets.as_deref().map(read).transpose()?.unwrap_or_default();
    let kit = Kit {
        argv: args.command.words(),
        environment: environment(),
        folder: folder.path().to_owned(),
        config: args.settings.as_deref().map(read).transpose()?,
        secrets: secrets.into_iter().map(|(name, secret)| (name, Secret::new(secret))).collect(),
        before: args.before.clone(),
        patience: Patience::default(),
    };
    let tried = kit.run().await;
    if args.record {
        out.json(&tried.transcripts)?;
    } else if args.json {
        out.json(&json!({ "cases": tried.cases }))?;
    } else {
        page(&tried, out)?;
    }
    Ok(if tried.is_well() { Exit::Well } else { Exit::Failed })
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, CliError> {
    let what = || format!("{} cannot be used", path.display());
    let mut text = String::new();
    let file = std::fs::File::open(path).context(what())?;
    file.take(MAX_REQUEST_BYTES as u64).read_to_string(&mut text).context(what())?;
    // The place of an error, and not its text: that may hold a secret.
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| CliError::new(what()).next_step(format!("correct the JSON in line {}", error.line())))?;
    serde_json::from_value(value).map_err(|_| CliError::new(what()).next_step("give an object whose values are texts"))
}

fn page(tried: &Tried, out: &mut Out) -> Result<(), CliError> {
    for case in &tried.cases {
        out.line(line(case))?;
        if case.status == Status::NotOk {
            out.line(format_args!("         expected  {}", case.expected))?;
            out.line(format_args!("         seen      {}", case.seen))?;
        }
    }
    let number = |status| tried.cases.iter().filter(|case| case.status == status).count();
    let (ok, failed, skipped) = (number(Status::Ok), number(Status::NotOk), number(Status::Skipped));
    out.line(format_args!("{ok} ok, {failed} not ok, {skipped} skipped"))
}

fn line(case: &Case) -> String {
    match case.status {
        Status::Ok => format!("ok      {:2} {}", case.number, case.name),
        Status::NotOk => format!("not ok  {:2} {}", case.number, case.name),
        Status::Skipped => format!("skipped {:2} {}: {}", case.number, case.name, case.seen),
    }
}
