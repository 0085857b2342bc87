//! What a tool said, in the protocol's words.

use std::io;
use std::path::Path;

use strongroom_plugin::Speaker;
use strongroom_plugin::protocol::{Counts, Item, ItemOutcome, MAX_SENTENCE_CHARS, Outcome, Report, Retry, Tool};
use strongroom_toollog as toollog;

use crate::tool::{Call, Ended, read_run};

/// The report of an operation; what keeps it from going on is one as well.
pub(crate) fn report_of(operation: impl FnOnce() -> Result<Report, Box<Report>>) -> Report {
    operation().unwrap_or_else(|report| *report)
}

/// Runs a tool, and reports it as [`of_run`] does.
pub(crate) fn of_call(
    call: &Call,
    which: toollog::Tool,
    phase: &'static str,
    source: Option<&Path>,
    speaker: &Speaker,
) -> Report {
    match read_run(call, speaker, phase) {
        Ok((ended, run)) => of_run(&run, ended, which, source, speaker),
        Err(error) => not_started(&call.program, &error),
    }
}

/// A tool's run as a report; its items are said. Paths below `source` are said relative to it.
pub(crate) fn of_run(
    run: &toollog::Report,
    ended: Ended,
    which: toollog::Tool,
    source: Option<&Path>,
    speaker: &Speaker,
) -> Report {
    let exit_code = (ended.code >= 0).then_some(ended.code);
    let tool = Tool { name: which.to_string(), version: run.version.clone(), exit_code };
    let last = run.runs.last();
    // Kinds start dry runs for plans only, and refuse the option from settings.
    let verdict = last.map_or_else(|| toollog::Verdict::of_silent(which, ended.code), toollog::Run::plan);
    // What vanished while it was read is no failure where the tool's code says so.
    let became = if verdict.outcome.is_well() { ItemOutcome::Skipped } else { ItemOutcome::Failed };
    for item in last.iter().flat_map(|last| &last.items) {
        speaker.item(item_of(item, became, source));
    }
    let mut report = Report::new(outcome(verdict.outcome), verdict.sentence.clone())
        .counts(counts(verdict.counts), verdict.bytes.unwrap_or(0));
    report.cause = verdict.cause.map(|cause| cause.as_str().to_owned());
    report.next_step.clone_from(&verdict.next_step);
    report.retry = Some(if verdict.retry == toollog::Retry::Never { Retry::Never } else { Retry::Later });
    report.tool = Some(tool);
    if ended.is_cancelled {
        return cancelled(&report);
    }
    report
}

/// As asked for: whatever else it was.
pub(crate) fn cancelled(report: &Report) -> Report {
    let copied = strongroom_model::text::files(report.counts.copied);
    Report {
        outcome: Outcome::Cancelled,
        sentence: format!("It was cancelled after {copied}; what was not copied is copied by the next run."),
        cause: Some("stopped".to_owned()),
        next_step: None,
        ..report.clone()
    }
}

/// The tool could not be started.
pub(crate) fn not_started(program: &Path, error: &io::Error) -> Report {
    Report::new(Outcome::Failed, bounded(&format!("{} cannot be started: {error}.", program.display())))
        .because("tool-missing")
        .next_step("install the tool, or correct the setting `executable`")
        .retry(Retry::Never)
}

/// A tool that Debian has a package of is not there.
pub(crate) fn not_installed(tool: toollog::Tool) -> Report {
    Report::new(Outcome::Failed, format!("It did not start: {tool} is not installed."))
        .because("tool-missing")
        .next_step(format!("install Debian's package {tool}"))
        .retry(Retry::Never)
}

/// A local error that is no tool's.
pub(crate) fn failed(what: &str, error: &io::Error) -> Report {
    let mut letters = what.chars();
    let what: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    Report::new(Outcome::Failed, bounded(&format!("{what}: {error}."))).because("cannot-read").retry(Retry::Later)
}

/// Safe to print, and no longer than the protocol's bound.
pub(crate) fn bounded(sentence: &str) -> String {
    strongroom_model::text::printable(sentence, MAX_SENTENCE_CHARS - 1)
}

const fn outcome(outcome: toollog::Outcome) -> Outcome {
    match outcome {
        toollog::Outcome::Nothing => Outcome::Nothing,
        toollog::Outcome::Done => Outcome::Done,
        toollog::Outcome::Partial => Outcome::Partial,
        toollog::Outcome::Cancelled => Outcome::Cancelled,
        toollog::Outcome::Obstructed => Outcome::Obstructed,
        toollog::Outcome::Failed => Outcome::Failed,
    }
}

pub(crate) const fn counts(counts: toollog::Counts) -> Counts {
    let toollog::Counts { seen, copied, skipped, deleted, extra, mismatched, failed } = counts;
    Counts { seen, copied, skipped, deleted, extra, mismatched, failed, proven: 0 }
}

fn item_of(item: &toollog::Item, became: ItemOutcome, source: Option<&Path>) -> Item {
    let path = item.path.clone().unwrap_or_default();
    let relative = source.and_then(|source| Path::new(&path).strip_prefix(source).ok()).and_then(Path::to_str);
    Item {
        path_b64: item.path_b64.clone(),
        code: item.code.map(|code| code.to_string()),
        message: item.reason.clone(),
        ..Item::new(relative.unwrap_or(&path), became)
    }
}
