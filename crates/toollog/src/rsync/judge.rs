//! Facts and an exit code to a verdict.

use strongroom_model::text::{files, grouped};

use crate::outcome::{Cause, Counts, Outcome, Retry};
use crate::report::Verdict;
use crate::rsync::codes::{Meaning, meaning_of};
use crate::rsync::{Facts, RootError};
use crate::sentence::{bounded, files_were, quote};

/// What a run's output and its exit code say together.
#[must_use]
pub fn judge(facts: &Facts, exit_code: Option<i64>) -> Verdict {
    let counts = counts(facts);
    // The code of the last line is the exit code, unless another one is known.
    let code = exit_code.or(facts.code).or(facts.is_totalled.then(|| implied(facts)));
    let Some(code) = code else { return not_ended(facts, counts) };
    let meaning = refined(facts, code);
    let mut verdict = Verdict {
        outcome: meaning.outcome,
        sentence: String::new(),
        cause: meaning.cause,
        next_step: None,
        retry: meaning.retry,
        counts,
        bytes: facts.stats.transferred_bytes,
        problems: Vec::new(),
    };
    match meaning.outcome {
        Outcome::Done => done(facts, &mut verdict),
        Outcome::Partial => partial(facts, &mut verdict, code),
        _ => bad(facts, &mut verdict, &meaning, code),
    }
    if exit_code.is_some() && facts.code.is_some_and(|own| exit_code != Some(own)) {
        verdict.problems.push("the exit code is not the one that the output names".to_owned());
    }
    verdict.sentence = bounded(&verdict.sentence);
    verdict
}

/// Output with a total but no line of errors comes with exit code 0; with errors, 23 or 24.
fn implied(facts: &Facts) -> i64 {
    match facts.items.total() {
        0 => 0,
        all if all == facts.vanished => 24,
        _ => 23,
    }
}

fn counts(facts: &Facts) -> Counts {
    let stats = &facts.stats;
    let failed = facts.items.total() - facts.vanished - facts.root_errors;
    // Itemized lines are printed before a file is opened: those that failed are among them.
    let transfers = if facts.itemized_files > 0 { facts.itemized_files } else { stats.transferred.unwrap_or(0) };
    let begun = facts.items.total() - facts.blocked - facts.root_errors;
    let copied = transfers.saturating_sub(begun);
    let seen = stats.regular.or(stats.entries).unwrap_or(copied + failed).max(copied + failed);
    Counts {
        seen,
        copied,
        skipped: seen - copied - failed,
        deleted: if facts.deletions > 0 { facts.deletions } else { stats.deleted.unwrap_or(0) },
        extra: facts.deletions_stopped.unwrap_or(0),
        mismatched: 0,
        failed,
    }
}

/// A code, and what the output says beyond it.
fn refined(facts: &Facts, code: i64) -> Meaning {
    let meaning = meaning_of(code);
    let with = |outcome, cause, retry, text| Meaning { outcome, cause: Some(cause), retry, text };
    match (code, facts.root_error) {
        (0, _) if facts.items.total() > facts.vanished => {
            with(Outcome::Partial, Cause::FilesFailed, Retry::Later, "some files could not be copied")
        }
        // A source that is there is an entry itself.
        (0, _) if facts.stats.entries == Some(0) => with(
            Outcome::Failed,
            Cause::SourceMissing,
            Retry::Never,
            "the source had no file and no folder, not even itself: it may be missing",
        ),
        (3 | 11 | 23, _) if facts.is_full => {
            with(Outcome::Obstructed, Cause::TargetFull, Retry::Later, "the target has no space left")
        }
        (3 | 11 | 23, _) if facts.is_read_only => {
            with(Outcome::Obstructed, Cause::TargetReadOnly, Retry::Later, "the target is read-only")
        }
        (3 | 23, Some(RootError::Source)) if facts.stats.entries.unwrap_or(0) == 0 => {
            with(Outcome::Failed, Cause::SourceMissing, Retry::Never, "the source is not there")
        }
        (3 | 11 | 23, Some(RootError::Target)) => {
            with(Outcome::Obstructed, Cause::TargetMissing, Retry::Later, "the target folder is not there")
        }
        _ => meaning,
    }
}

fn done(facts: &Facts, verdict: &mut Verdict) {
    let Counts { seen, copied, deleted, .. } = verdict.counts;
    let would = if facts.is_dry_run { "would be " } else { "" };
    let mut also = String::new();
    if deleted > 0 {
        also = format!("; {} {}deleted from the copy", files(deleted), if facts.is_dry_run { "would be " } else { "" });
    }
    if facts.vanished > 0 {
        also +=
            &format!("; {} vanished while being read, which rsync's code 24 says is no failure", files(facts.vanished));
    }
    if facts.vanished == 0 && facts.code == Some(24) {
        also += "; some files vanished while being read, which rsync's code 24 says is no failure";
    }
    if says_nothing(facts) {
        verdict.sentence = format!("It ended well; the log does not list what was copied{also}.");
        verdict.next_step = Some("log with --itemize-changes or --stats".to_owned());
        return;
    }
    let changed = copied + deleted + facts.itemized_other + facts.stats.created.unwrap_or(0);
    if changed == 0 && facts.vanished == 0 {
        verdict.outcome = Outcome::Nothing;
        let all = match seen {
            0 => "rsync listed no change".to_owned(),
            1 => "the only file was there already".to_owned(),
            n => format!("all {} were there already", files(n)),
        };
        verdict.sentence = format!("Nothing to copy: {all}.");
        return;
    }
    verdict.sentence = match copied {
        0 if facts.itemized_other > 0 => {
            let others = match facts.itemized_other {
                1 => "1 folder, link or attribute".to_owned(),
                n => format!("{} folders, links or attributes", grouped(n)),
            };
            format!("No file {would}copied; {others} {would}changed{also}.")
        }
        0 => format!("No file {would}copied{also}."),
        n => format!("{} {would}copied{also}.", files(n)),
    };
}

/// Totals alone, or names without what was done with them.
fn says_nothing(facts: &Facts) -> bool {
    let itemized = facts.itemized_files + facts.itemized_other + facts.deletions + facts.vanished;
    let is_empty_list = facts.has_list && facts.names == 0;
    facts.is_totalled && facts.stats.is_empty() && itemized == 0 && !is_empty_list
}

fn partial(facts: &Facts, verdict: &mut Verdict, code: i64) {
    let Counts { copied, failed, .. } = verdict.counts;
    let first = facts.items.kept().first();
    let why = first.map(|item| {
        let path = item.path.as_deref().map(quote).unwrap_or_default();
        let reason = item.reason.as_deref().map(quote).unwrap_or_default();
        format!(" ({}{path}: {reason})", if failed > 1 { "first " } else { "" })
    });
    let failed = if failed == 0 { "some files".to_owned() } else { files(failed) };
    verdict.sentence = format!(
        "{} copied; {failed} could not be copied{}.",
        files(copied),
        why.unwrap_or_else(|| format!(" (code {code})"))
    );
    verdict.next_step = Some("give the job read access to what it names, or leave that out".to_owned());
}

fn bad(facts: &Facts, verdict: &mut Verdict, meaning: &Meaning, code: i64) {
    let words = facts
        .items
        .kept()
        .first()
        .map_or_else(|| facts.message.as_deref().map(quote), |item| item.path.as_deref().map(quote));
    let words = words.map(|words| format!(": {words}")).unwrap_or_default();
    let mut also = String::new();
    if meaning.cause == Some(Cause::WouldDeleteTooMuch) {
        let stopped = facts.deletions_stopped.map_or_else(String::new, |n| format!(", {} left alone", grouped(n)));
        also = format!(" ({} deleted{stopped})", files(verdict.counts.deleted));
        verdict.next_step = Some("see what would be deleted, then raise the limit for one run".to_owned());
    }
    let code = format!(" (code {code})");
    verdict.sentence = match verdict.outcome {
        Outcome::Cancelled => {
            format!("It was stopped by a signal after {} were copied{code}.", files(verdict.counts.copied))
        }
        Outcome::Obstructed => format!("It could not run: {}{also}{words}{code}.", meaning.text),
        _ => format!("It failed: {}{also}{words}{code}.", meaning.text),
    };
    verdict.next_step = verdict.next_step.take().or_else(|| step(meaning.cause).map(str::to_owned));
}

const fn step(cause: Option<Cause>) -> Option<&'static str> {
    Some(match cause {
        Some(Cause::SourceMissing) => "mount or correct the source",
        Some(Cause::TargetMissing) => "connect the target, or create its folder",
        Some(Cause::TargetFull) => "make room on the target",
        Some(Cause::TargetReadOnly) => {
            "mount the target for writing; if it was, the system found errors: check the disk"
        }
        Some(Cause::Unreachable) => "see whether the other side is up",
        Some(Cause::UsageError) => "correct the command",
        _ => return None,
    })
}

fn not_ended(facts: &Facts, counts: Counts) -> Verdict {
    let listed = if counts.copied > 0 {
        format!("{} listed as copied, but the", files_were(counts.copied))
    } else {
        "The".to_owned()
    };
    Verdict {
        outcome: Outcome::Failed,
        sentence: bounded(&format!(
            "{listed} output ends without a summary: nothing shows that rsync came to its end."
        )),
        cause: Some(Cause::NotEnded),
        next_step: Some("give the exit code, or log with --stats".to_owned()),
        retry: Retry::Later,
        counts,
        bytes: facts.stats.transferred_bytes,
        problems: Vec::new(),
    }
}
