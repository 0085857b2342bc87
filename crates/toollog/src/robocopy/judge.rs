//! Facts and a return code to a verdict.

use strongroom_model::text::{files, grouped};

use crate::items::Item;
use crate::outcome::{Cause, Counts, Outcome, Retry};
use crate::report::Verdict;
use crate::robocopy::codes::{is_damage, next_step, obstacle, text_of};
use crate::robocopy::{Facts, Summary};
use crate::sentence::{bounded, files_and_folders, quote};

/// The bits of the return code.
const MISMATCHED: i64 = 4;
const FAILED: i64 = 8;
const FATAL: i64 = 16;

/// What a run's output and its return code say together: the worse of both.
#[must_use]
pub fn judge(facts: &Facts, exit_code: Option<i64>) -> Verdict {
    let mut verdict = match &facts.summary {
        None => without_summary(facts),
        Some(summary) => by_summary(facts, summary),
    };
    verdict.counts = facts.summary.as_ref().map(|summary| counts(facts, summary)).unwrap_or_default();
    verdict.bytes = facts.summary.as_ref().map(|summary| summary.bytes.copied);
    if let Some(code) = exit_code {
        with_code(&mut verdict, facts, code);
    }
    verdict.sentence = bounded(&verdict.sentence);
    verdict
}

fn verdict(outcome: Outcome, sentence: String, cause: Option<Cause>) -> Verdict {
    Verdict {
        outcome,
        sentence,
        cause,
        next_step: None,
        retry: if outcome == Outcome::Failed { Retry::Never } else { Retry::Later },
        counts: Counts::default(),
        bytes: None,
        problems: Vec::new(),
    }
}

/// Without its table, nothing shows that it ended, whatever it returned.
fn without_summary(facts: &Facts) -> Verdict {
    if facts.is_usage || facts.has_no_target {
        let mut found = verdict(
            Outcome::Failed,
            "It did not start: robocopy was called in a way that it does not understand.".to_owned(),
            Some(Cause::UsageError),
        );
        let has_quote = facts.source.as_ref().is_some_and(|source| source.contains('"'));
        found.next_step = Some(
            if has_quote {
                "a path in quotes must not end in a backslash: write \"C:\\data\" instead of \"C:\\data\\\""
            } else {
                "correct the command; each path is an argument of its own"
            }
            .to_owned(),
        );
        return found;
    }
    if facts.listed == 0
        && let Some(error) = &facts.first_error
    {
        return did_not_start(facts, error);
    }
    if facts.listed == 0
        && let Some(message) = &facts.message
    {
        let sentence = format!("It did not start: {}.", quote(message));
        return verdict(Outcome::Failed, sentence, Some(Cause::ToolFailed));
    }
    let named = match (facts.items.total(), facts.items.kept().first()) {
        (0, _) | (_, None) => String::new(),
        (n, Some(item)) => {
            let path = item.path.as_deref().map(quote).unwrap_or_default();
            format!("; {} could not be copied before that ({path}: {})", files(n), said(item))
        }
    };
    let hidden = if facts.hides_summary { " (it was told not to print one, /NJS)" } else { "" };
    let mut found = verdict(
        Outcome::Failed,
        format!("It did not end: the log has no summary{hidden}{named}."),
        Some(Cause::NotEnded),
    );
    found.next_step = Some(
        if facts.hides_summary {
            "leave /NJS out, then run it again"
        } else {
            "find out what stopped it, then run it again"
        }
        .to_owned(),
    );
    found.retry = Retry::Later;
    found
}

/// An error about the source or the target as a whole.
fn did_not_start(facts: &Facts, error: &Item) -> Verdict {
    let code = error.code.unwrap_or_default();
    let is_same = |path: &Option<String>| match (&error.path, path) {
        (Some(one), Some(other)) => one.trim_end_matches('\\').eq_ignore_ascii_case(other.trim_end_matches('\\')),
        _ => false,
    };
    let (outcome, cause) = match code {
        2 | 3 if is_same(&facts.target) && !is_same(&facts.source) => (Outcome::Obstructed, Cause::TargetMissing),
        2 | 3 if is_same(&facts.source) => (Outcome::Failed, Cause::SourceMissing),
        code => obstacle(code).map_or((Outcome::Failed, Cause::ToolFailed), |cause| (Outcome::Obstructed, cause)),
    };
    let path = error.path.as_deref().map(|path| format!(" ({})", quote(path))).unwrap_or_default();
    let mut found = verdict(outcome, format!("It did not start: {}{path}.", said(error)), Some(cause));
    found.next_step = match cause {
        Cause::SourceMissing => Some("mount or correct the source".to_owned()),
        Cause::TargetMissing => Some("connect the target, or create its folder".to_owned()),
        _ => next_step(code).map(str::to_owned),
    };
    if outcome == Outcome::Obstructed {
        found.retry = Retry::Later;
    }
    found
}

/// An error in plain English, or in the system's own words.
fn said(error: &Item) -> String {
    let code = error.code.unwrap_or_default();
    match (text_of(code), &error.reason) {
        (Some(text), _) => text.to_owned(),
        (None, Some(reason)) => format!("{} (error {code})", quote(reason)),
        (None, None) => format!("error {code}"),
    }
}

fn by_summary(facts: &Facts, summary: &Summary) -> Verdict {
    let (of_files, folders) = (&summary.files, &summary.folders);
    if of_files.failed > of_files.total || folders.failed > folders.total {
        let failed = files_and_folders(of_files.failed, folders.failed);
        let sentence = format!(
            "The log's numbers contradict each other: {failed} failed of {} in all; it counts as failed.",
            grouped(of_files.total)
        );
        return verdict(Outcome::Failed, sentence, Some(Cause::Inconsistent));
    }
    if of_files.failed + folders.failed > 0 {
        return with_failures(facts, summary);
    }
    let extras = extras(facts, summary);
    let mismatched = of_files.mismatched + folders.mismatched;
    if mismatched > 0 {
        let names = if mismatched == 1 { "1 name is".to_owned() } else { format!("{} names are", grouped(mismatched)) };
        let sentence = format!(
            "{} copied; {names} a file on one side and a folder on the other: not copied{extras}.",
            files(of_files.copied)
        );
        return verdict(Outcome::Partial, sentence, Some(Cause::FilesFailed));
    }
    let accounted =
        [of_files.copied, of_files.skipped, of_files.mismatched].iter().fold(0, |sum: u64, n| sum.saturating_add(*n));
    if accounted < of_files.total {
        let sentence = format!(
            "The log's numbers do not add up: of {}, {} were neither copied nor skipped; it counts as failed.",
            files(of_files.total),
            grouped(of_files.total - accounted)
        );
        return verdict(Outcome::Failed, sentence, Some(Cause::Inconsistent));
    }
    if of_files.copied + folders.copied > 0 {
        let of = files_and_folders(of_files.copied, if of_files.copied == 0 { folders.copied } else { 0 });
        return verdict(Outcome::Done, format!("{of} copied{extras}."), None);
    }
    if of_files.total == 0 {
        let mut found = verdict(Outcome::Nothing, format!("Nothing to copy: the source has no files{extras}."), None);
        found.problems.push("the source has no files: see whether that is right".to_owned());
        return found;
    }
    let all = match of_files.total {
        1 => "the only file was there already".to_owned(),
        n => format!("all {} were there already", files(n)),
    };
    let outcome = if facts.mirrors && of_files.extras + folders.extras > 0 { Outcome::Done } else { Outcome::Nothing };
    verdict(outcome, format!("Nothing to copy: {all}{extras}."), None)
}

fn with_failures(facts: &Facts, summary: &Summary) -> Verdict {
    let (of_files, folders) = (&summary.files, &summary.folders);
    let which = match (facts.items.kept().first(), facts.items.total()) {
        (None, _) | (_, 0) => ("robocopy did not say which".to_owned(), None),
        (Some(item), total) => {
            let first = item.path.as_deref().map(quote).unwrap_or_default();
            let first = if total > 1 { format!("first {first}") } else { first };
            (format!("{first}: {}", said(item)), item.code)
        }
    };
    let (which, code) = which;
    let failed = files_and_folders(of_files.failed, folders.failed);
    let code = code.unwrap_or_default();
    let (outcome, cause) = match obstacle(code) {
        Some(cause @ (Cause::TargetFull | Cause::Unreachable)) if of_files.copied == 0 => (Outcome::Obstructed, cause),
        Some(cause) => (Outcome::Partial, cause),
        None if is_damage(code) => (Outcome::Partial, Cause::Damaged),
        None => (Outcome::Partial, Cause::FilesFailed),
    };
    let outcome = if outcome == Outcome::Partial && of_files.copied == 0 { Outcome::Failed } else { outcome };
    let sentence = format!("{} copied; {failed} could not be copied ({which}).", files(of_files.copied));
    let mut found = verdict(outcome, sentence, Some(cause));
    found.next_step = next_step(code).map(str::to_owned);
    found.retry = Retry::Later;
    found
}

/// What is only in the target.
fn extras(facts: &Facts, summary: &Summary) -> String {
    let (of_files, folders) = (summary.files.extras, summary.folders.extras);
    if of_files + folders == 0 {
        return String::new();
    }
    let what = files_and_folders(of_files, folders);
    match (facts.mirrors, facts.is_dry_run) {
        (true, false) => format!("; {what} that the source no longer has were deleted"),
        (true, true) => format!("; {what} that the source no longer has would be deleted"),
        (false, _) => {
            format!("; {what} in the copy are no longer in the source (a mirror run, /MIR or /PURGE, deletes them)")
        }
    }
}

fn counts(facts: &Facts, summary: &Summary) -> Counts {
    let row = &summary.files;
    let (deleted, extra) = if facts.mirrors { (row.extras, 0) } else { (0, row.extras) };
    Counts {
        seen: row.total,
        copied: row.copied,
        skipped: row.skipped,
        deleted,
        extra,
        mismatched: row.mismatched,
        failed: row.failed,
    }
}

/// The return code may only make it worse.
fn with_code(found: &mut Verdict, facts: &Facts, code: i64) {
    let has_failures = found.counts.failed > 0 || found.outcome >= Outcome::Partial;
    match code {
        0..FAILED if code & MISMATCHED != 0 && found.outcome.is_well() => {
            found.outcome = Outcome::Partial;
            found.cause = Some(Cause::FilesFailed);
            found.sentence = format!(
                "Names are a file on one side and a folder on the other, says the return code ({code}). {}",
                found.sentence
            );
        }
        0..FAILED => {}
        FAILED..FATAL if !has_failures => {
            found.outcome = if found.counts.copied > 0 { Outcome::Partial } else { Outcome::Failed };
            found.cause = Some(Cause::FilesFailed);
            found.sentence = format!(
                "Files could not be copied, says the return code ({code}); the log does not say which. {}",
                found.sentence
            );
        }
        FAILED..FATAL => {}
        FATAL.. if code < 2 * FATAL => {
            if facts.summary.is_some() {
                found.outcome = Outcome::Failed;
                found.sentence = format!("It failed (return code {code}). {}", found.sentence);
            }
            found.cause = found.cause.or(Some(Cause::ToolFailed));
        }
        _ => {
            found.outcome = if facts.summary.is_some() { Outcome::Failed } else { Outcome::Cancelled };
            found.cause = Some(Cause::Stopped);
            found.retry = Retry::Later;
            found.sentence = format!("It was ended from outside (return code {code}). {}", found.sentence);
        }
    }
}
