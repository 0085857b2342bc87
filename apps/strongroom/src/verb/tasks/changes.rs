//! `strongroom tasks diff`: what changed between two collections of a host.

use std::path::{Path, PathBuf};

use strongroom_model::text::{printable, shown_to_the_minute};
use strongroom_tasks::diff::diff;

use super::source::{MAX_CHARS, Source, SourceArgs, bags, read, targets};
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;

/// Shows what changed between two collections
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom tasks diff                              the two newest collections of each host
  strongroom tasks diff --from /mnt/disk/tasks       the same, in that target
  strongroom tasks diff OLDER NEWER --json           two folders

Last runs and results are no changes; `status` has them.")]
pub(super) struct DiffArgs {
    /// The older and the newer collection
    #[arg(value_name = "FOLDER", num_args = 2)]
    folders: Vec<PathBuf>,
    #[command(flatten)]
    source: SourceArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &DiffArgs, config: Option<&Path>, out: &mut Out) -> Result<Exit, CliError> {
    let mut all = Vec::new();
    for (older, newer) in pairs(args, config)? {
        let changes = diff(&older.judged.collection, &newer.judged.collection);
        if args.json {
            all.extend(changes.iter().map(|change| serde_json::json!({"host": newer.named(), "change": change})));
            continue;
        }
        let count = match changes.len() {
            1 => "1 change".to_owned(),
            n => format!("{n} changes"),
        };
        let between = between(&older, &newer).map(|words| format!(" {words}")).unwrap_or_default();
        out.line(format_args!("{}: {count}{between} since {}", newer.host(), older.folder.display()))?;
        for change in &changes {
            let shown = |text: &Option<String>| text.as_deref().map(|text| printable(text, MAX_CHARS));
            let words = match (shown(&change.before), shown(&change.after)) {
                (Some(before), Some(after)) => format!(": {before} → {after}"),
                (Some(only), None) | (None, Some(only)) => format!(": {only}"),
                (None, None) => String::new(),
            };
            let written = change.written.as_ref().map(|words| format!("; {words}")).unwrap_or_default();
            let path = printable(&change.path, MAX_CHARS);
            out.line(format_args!("  {path}  {}{words}{written}", change.kind.name()))?;
        }
    }
    if args.json {
        out.json(&all)?;
    }
    Ok(Exit::Well)
}

/// When both were collected, in the newer one's zone: what changed did so in between.
fn between(older: &Source, newer: &Source) -> Option<String> {
    let zone = newer.judged.collection.zone_or_utc();
    let shown = |source: &Source| {
        // The time of a folder's newest file is not when it was collected.
        let collected_at = source.judged.collection.manifest.as_ref()?.collected_at?;
        Some(shown_to_the_minute(collected_at, &zone))
    };
    Some(format!("between {} and {}", shown(older)?, shown(newer)?))
}

fn pairs(args: &DiffArgs, config: Option<&Path>) -> Result<Vec<(Source, Source)>, CliError> {
    if let [older, newer] = args.folders.as_slice() {
        return Ok(vec![(read(older, &args.source)?, read(newer, &args.source)?)]);
    }
    let targets = match &args.source.from {
        Some(folder) => vec![folder.clone()],
        None => targets(config)?,
    };
    let mut pairs = Vec::new();
    for target in targets {
        for bags in bags(&target)? {
            if let [.., older, newer] = bags.as_slice() {
                pairs.push((read(&older.path, &args.source)?, read(&newer.path, &args.source)?));
            }
        }
    }
    pairs.retain(|(_, newer)| newer.is_of(args.source.host.as_ref()));
    if pairs.is_empty() {
        return Err(
            CliError::new("there are no two collections of a host").next_step("run the job again, or name two folders")
        );
    }
    Ok(pairs)
}
