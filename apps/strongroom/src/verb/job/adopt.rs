//! `strongroom job adopt`: what a tool's log shows, with nothing installed and no configuration.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use strongroom_model::text::{grouped, printable};
use strongroom_toollog::{Item, Outcome, Report};

use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::out::Out;

/// Items that are shown; `--json` has up to 100.
const MAX_SHOWN_ITEMS: usize = 10;
/// A path is shown on one line.
const MAX_NAME_CHARS: usize = 200;

/// Says in one sentence what a log of robocopy, rsync, rclone or restic shows
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom job adopt robocopy.log
  strongroom job adopt *.log --json
  rsync -ai SOURCE/ TARGET/ 2>&1 | strongroom job adopt -
  strongroom job adopt rsync.log --exit-code 23

Nothing needs to be installed or configured. A robocopy log is read in any language, and any log in
any encoding; a log that was appended to is read as many runs, the last of which counts. A log
without a summary does not show that the tool ended: it counts as failed.
The exit code is 0 if the last run of each log ended well, 2 if one did not or nothing was recognised.
That a tool ended well does not prove the copy.")]
pub(crate) struct AdoptArgs {
    /// The logs; - is standard input
    #[arg(value_name = "LOGFILE", required = true)]
    logs: Vec<PathBuf>,
    /// What the tool exited with, if that is known; of the last run in each log
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    exit_code: Option<i64>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What a log shows, for programs.
#[derive(Debug, Serialize)]
struct Adopted<'a> {
    log: String,
    outcome: Outcome,
    sentence: String,
    #[serde(flatten)]
    report: &'a Report,
}

pub(super) fn run(args: &AdoptArgs, out: &mut Out) -> Result<Exit, CliError> {
    let mut exit = Exit::Well;
    let mut reports = Vec::with_capacity(args.logs.len());
    for path in &args.logs {
        let report = read(path)?;
        let report = match args.exit_code {
            Some(code) => report.with_exit_code(code),
            None => report,
        };
        if !report.outcome().is_well() {
            exit = Exit::Problems;
        }
        if args.json {
            reports.push((name(path), report));
        } else {
            let is_named = args.logs.len() > 1;
            out.raw(page(&report, is_named.then(|| name(path)).as_deref()))?;
        }
    }
    if args.json {
        let adopted = |(log, report): &'_ (String, Report)| -> serde_json::Value {
            let (outcome, sentence) = (report.outcome(), report.sentence());
            serde_json::json!(Adopted { log: log.clone(), outcome, sentence, report })
        };
        out.json(&reports.iter().map(adopted).collect::<Vec<_>>())?;
    }
    Ok(exit)
}

fn read(path: &Path) -> Result<Report, CliError> {
    let what = || format!("cannot read the log {}", path.display());
    if path == Path::new("-") {
        return strongroom_toollog::read(io::stdin().lock()).context(what());
    }
    let file = File::open(path).context_and_step(what(), "name the log that the tool wrote")?;
    strongroom_toollog::read(file).context(what())
}

fn name(path: &Path) -> String {
    printable(&path.to_string_lossy(), MAX_NAME_CHARS)
}

/// The sentence; below it what a person needs to act.
fn page(report: &Report, name: Option<&str>) -> String {
    let mut page = name.map(|name| format!("{name}: ")).unwrap_or_default();
    if let Some(tool) = report.decisive().map(|run| run.tool) {
        page += &format!("{tool}, {}: ", report.outcome().as_str());
    }
    page += &report.sentence();
    page.push('\n');
    let Some(last) = report.decisive() else { return page };
    for item in last.items.iter().take(MAX_SHOWN_ITEMS) {
        page += &format!("  {}\n", shown(item));
    }
    let more = last.items_total.saturating_sub(last.items.len().min(MAX_SHOWN_ITEMS) as u64);
    if more > 0 {
        page += &format!("  and {} more\n", grouped(more));
    }
    for problem in &last.verdict.problems {
        page += &format!("  note: {problem}\n");
    }
    if let Some(step) = &last.verdict.next_step {
        page += &format!("  next: {step}\n");
    }
    page
}

fn shown(item: &Item) -> String {
    let path = item.path.as_deref().unwrap_or_default();
    match &item.reason {
        Some(reason) if path.is_empty() => reason.clone(),
        Some(reason) => format!("{path}: {reason}"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(text: &str) -> Report {
        strongroom_toollog::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_a_person_needs_to_act_is_shown() {
        let failed = |n| format!("rsync: [sender] send_files failed to open \"/srv/{n}\": Permission denied (13)\n");
        let text: String = (0..12).map(failed).collect();
        let code = "rsync error: some files/attrs were not transferred (code 23) at main.c(1394) [sender=3.5.0]\n";
        insta::assert_snapshot!(page(&report(&format!("{text}{code}")), Some("night.log")), @r"
        night.log: rsync, partial: 0 files copied; 12 files could not be copied (first /srv/0: Permission denied).
          /srv/0: Permission denied
          /srv/1: Permission denied
          /srv/2: Permission denied
          /srv/3: Permission denied
          /srv/4: Permission denied
          /srv/5: Permission denied
          /srv/6: Permission denied
          /srv/7: Permission denied
          /srv/8: Permission denied
          /srv/9: Permission denied
          and 2 more
          next: give the job read access to what it names, or leave that out
        ");
    }

    #[test]
    fn what_is_no_log_is_said_to_be_none() {
        insta::assert_snapshot!(page(&report("hello\n"), None), @"This is not a log of robocopy, rsync, rclone or restic: nothing is known from it.");
    }
}
