//! `strongroom tasks show`: one task.

use std::path::Path;

use strongroom_model::text::printable;
use strongroom_tasks::tables::Tables;

use super::source::{SourceArgs, sources};
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;

/// Longer values are events' queries; `--json` has them whole.
const MAX_VALUE_CHARS: usize = 1_000;

/// Shows one task
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom tasks show '\\OpenData\\Nightly'
  strongroom tasks show Nightly --from /srv/exported
  strongroom tasks show backup.timer --json

This prints the arguments of the task's command, which may hold passwords.")]
pub(super) struct ShowArgs {
    /// The task's path, or its last part
    #[arg(value_name = "TASK")]
    task: String,
    #[command(flatten)]
    source: SourceArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ShowArgs, config: Option<&Path>, out: &mut Out) -> Result<Exit, CliError> {
    let sources = sources(&args.source, config)?;
    let named = args.task.to_lowercase();
    let (mut shown, mut exit) = (Vec::new(), Exit::Well);
    for source in &sources {
        let tables = source.judged.tables();
        for line in source.lines(args.source.folder.as_deref()) {
            let task = &line.entry.task;
            if task.path.to_lowercase() == named || task.name().to_lowercase() == named {
                shown.push(rows(&tables, &task.path));
                exit = if line.needs_a_person() { Exit::Problems } else { exit };
            }
        }
    }
    if shown.is_empty() {
        return Err(CliError::new(format!("there is no task {}", printable(&args.task, 200)))
            .next_step("see `strongroom tasks list`"));
    }
    if args.json {
        out.json(&shown)?;
        return Ok(exit);
    }
    for (at, rows) in shown.iter().enumerate() {
        if at > 0 {
            out.line("")?;
        }
        for (name, value) in rows {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if !value.is_null() && !text.is_empty() {
                out.line(format_args!("{name:<22}{}", printable(&text, MAX_VALUE_CHARS)))?;
            }
        }
    }
    Ok(exit)
}

/// The columns of `status`, then those of `definitions` that it does not have; old reports' columns are left out.
fn rows(tables: &Tables, path: &str) -> serde_json::Map<String, serde_json::Value> {
    let json = |row: Option<serde_json::Value>| match row {
        Some(serde_json::Value::Object(row)) => row,
        _ => serde_json::Map::new(),
    };
    let status = tables.status.iter().find(|row| row.task_path == path);
    let definition = tables.definitions.iter().find(|row| row.task_path == path);
    let mut rows = json(definition.map(|row| serde_json::json!(row)));
    let status = json(status.map(|row| serde_json::json!(row)));
    rows.extend(status.into_iter().filter(|(name, _)| !name.starts_with(char::is_uppercase)));
    rows
}
