//! Facts and an exit code to a verdict.

use strongroom_model::text::{files, grouped};

use crate::outcome::{Cause, Counts, Outcome, Retry};
use crate::rclone::Facts;
use crate::rclone::codes::meaning_of;
use crate::report::Verdict;
use crate::rsync::codes::Meaning;
use crate::sentence::{bounded, files_were, quote, size};

/// What a run's output and its exit code say together.
#[must_use]
pub fn judge(facts: &Facts, exit_code: Option<i64>) -> Verdict {
    let counts = counts(facts);
    let is_check = facts.combined.all() > 0 || facts.failed_verb.as_deref() == Some("check");
    let meaning = match exit_code {
        Some(code) => refined(facts, code),
        None if !facts.ended() => {
            Meaning { outcome: Outcome::Failed, cause: Some(Cause::NotEnded), retry: Retry::Later, text: "" }
        }
        None => refined(facts, implied(facts)),
    };
    let mut verdict = Verdict {
        outcome: meaning.outcome,
        sentence: String::new(),
        cause: meaning.cause,
        next_step: None,
        retry: meaning.retry,
        counts,
        bytes: facts.stats.as_ref().map(|stats| stats.bytes),
        problems: Vec::new(),
    };
    verdict.sentence = match verdict.outcome {
        _ if is_check => check(facts, &mut verdict),
        Outcome::Done | Outcome::Nothing => well(facts, &mut verdict),
        _ if verdict.cause == Some(Cause::NotEnded) => not_ended(facts, &mut verdict),
        _ => bad(facts, &mut verdict, &meaning, exit_code),
    };
    if facts.links_skipped > 0 {
        let left_out = match facts.links_skipped {
            1 => "1 symbolic link was left out".to_owned(),
            n => format!("{} symbolic links were left out", grouped(n)),
        };
        verdict.problems.push(format!("{left_out}, which rclone does not call an error"));
        verdict.sentence = format!("{} {left_out}.", verdict.sentence);
    }
    verdict.sentence = bounded(&verdict.sentence);
    verdict
}

fn counts(facts: &Facts) -> Counts {
    let stats = facts.stats.clone().unwrap_or_default();
    if facts.combined.all() > 0 {
        let of = facts.combined;
        let seen = of.same + of.bad();
        return Counts { seen, skipped: of.same, extra: of.only_target, mismatched: of.bad(), ..Counts::default() };
    }
    let failed = stats.errors.min(facts.items.total().max(u64::from(stats.errors > 0))).max(facts.items.total());
    let (copied, deleted) = if facts.is_dry_run() {
        (facts.would_copy, facts.would_delete)
    } else if facts.stats.is_some() {
        (stats.transfers, stats.deletes)
    } else {
        (facts.named, 0)
    };
    // A file that is replaced is checked as well: such files are counted twice.
    let skipped = if facts.is_dry_run() { 0 } else { stats.checks.saturating_sub(deleted) };
    Counts { seen: copied + failed + skipped, copied, deleted, failed, skipped, ..Counts::default() }
}

/// Without an exit code: what the last line says.
fn implied(facts: &Facts) -> i64 {
    let errors = facts.stats.as_ref().map_or(0, |stats| stats.errors);
    let failed = facts.message.is_some() || errors > 0 || facts.items.total() > 0 || facts.combined.bad() > 0;
    i64::from(failed)
}

fn refined(facts: &Facts, code: i64) -> Meaning {
    let meaning = meaning_of(code);
    let words = last_words(facts).unwrap_or_default();
    let with = |outcome, cause, retry, text| Meaning { outcome, cause: Some(cause), retry, text };
    match code {
        0 if facts.items.total() > 0 => {
            with(Outcome::Partial, Cause::FilesFailed, Retry::Later, "some files could not be copied")
        }
        // Old releases return 1 for a wrong call, and 7 for a limit of time.
        1 if words.starts_with("unknown flag") || words.starts_with("unknown command") => {
            with(Outcome::Failed, Cause::UsageError, Retry::Never, "it was called in a way that it does not understand")
        }
        1 if words == "directory not found" => {
            with(Outcome::Failed, Cause::SourceMissing, Retry::Never, "a folder was not found")
        }
        7 if words.contains("--max-duration") => {
            with(Outcome::Partial, Cause::LimitReached, Retry::Later, "the limit of time was reached")
        }
        1 | 6 | 7 if words.contains("--max-delete") => {
            with(Outcome::Failed, Cause::WouldDeleteTooMuch, Retry::Never, "the limit of deletions was reached")
        }
        1 | 5 | 6 | 7 if is_full(words) || reasons(facts).any(is_full) => {
            with(Outcome::Obstructed, Cause::TargetFull, Retry::Later, "the target has no space left")
        }
        1 if facts.stats.as_ref().is_some_and(|stats| stats.transfers > 0) => {
            with(Outcome::Partial, Cause::FilesFailed, Retry::Later, "some files could not be copied")
        }
        _ => meaning,
    }
}

/// As the system says it, and as rclone does where it makes room for a file beforehand.
fn is_full(words: &str) -> bool {
    words.contains("no space left on device") || words.contains("file too big for remaining disk space")
}

fn reasons(facts: &Facts) -> impl Iterator<Item = &str> {
    facts.items.kept().iter().filter_map(|item| item.reason.as_deref())
}

fn last_words(facts: &Facts) -> Option<&str> {
    let last = facts.stats.as_ref().and_then(|stats| stats.last_error.as_deref());
    facts.message.as_deref().or(last)
}

fn well(facts: &Facts, verdict: &mut Verdict) -> String {
    let Counts { copied, deleted, skipped, .. } = verdict.counts;
    if facts.is_dry_run() {
        return format!("{} would be copied and {} deleted.", files(copied), grouped(deleted));
    }
    let also = if deleted > 0 { format!("; {} deleted from the copy", files(deleted)) } else { String::new() };
    if copied + deleted == 0 {
        verdict.outcome = Outcome::Nothing;
        let all = match skipped {
            0 => "the source has no files".to_owned(),
            1 => "the only file was there already".to_owned(),
            n => format!("all {} were there already", files(n)),
        };
        return format!("Nothing to copy: {all}.");
    }
    verdict.outcome = Outcome::Done;
    let of = verdict.bytes.filter(|&bytes| bytes > 0).map(|bytes| format!(" ({})", size(bytes))).unwrap_or_default();
    if copied == 0 { format!("No file copied{also}.") } else { format!("{} copied{of}{also}.", files(copied)) }
}

fn bad(facts: &Facts, verdict: &mut Verdict, meaning: &Meaning, exit_code: Option<i64>) -> String {
    let first = facts.items.kept().first();
    let words = match (last_words(facts), first) {
        (_, Some(item)) => {
            let path = item.path.as_deref().map(|path| format!("{}: ", quote(path))).unwrap_or_default();
            format!("{path}{}", item.reason.as_deref().map(quote).unwrap_or_default())
        }
        (Some(words), None) => quote(words),
        (None, None) => String::new(),
    };
    let words = if words.is_empty() { String::new() } else { format!(" ({words})") };
    let code = exit_code.map(|code| format!(" (code {code})")).unwrap_or_default();
    verdict.next_step = match verdict.cause {
        Some(Cause::UsageError) => Some("correct the command".to_owned()),
        Some(Cause::SourceMissing) => Some("correct or mount the source".to_owned()),
        Some(Cause::TargetFull) => Some("make room on the target".to_owned()),
        _ => None,
    };
    let Counts { copied, failed, deleted, .. } = verdict.counts;
    match verdict.outcome {
        Outcome::Partial => {
            let failed = if failed == 0 { "some files".to_owned() } else { files(failed) };
            // One error makes a sync leave out all of its deletions.
            let kept =
                if deleted == 0 && facts.failed_verb.as_deref() == Some("sync") { "; nothing was deleted" } else { "" };
            let why =
                if verdict.cause == Some(Cause::LimitReached) { format!(": {}", meaning.text) } else { String::new() };
            format!("{} copied; {failed} could not be copied{why}{words}{kept}{code}.", files(copied))
        }
        Outcome::Cancelled => format!("It was stopped after {} were copied{code}.", files(copied)),
        Outcome::Obstructed => format!("It could not run: {}{words}{code}.", meaning.text),
        _ => format!("It failed: {}{words}{code}.", meaning.text),
    }
}

fn check(facts: &Facts, verdict: &mut Verdict) -> String {
    if facts.combined.all() > 0 {
        let of = facts.combined;
        if of.bad() == 0 {
            return format!("{} are the same on both sides.", files(of.same));
        }
        verdict.outcome = Outcome::Failed;
        verdict.cause = Some(Cause::Differs);
        return format!(
            "Of {}, {} differ, {} are missing in the target and {} could not be compared.",
            files(verdict.counts.seen),
            grouped(of.differ),
            grouped(of.only_source),
            grouped(of.errors)
        );
    }
    verdict.outcome = Outcome::Failed;
    verdict.cause = Some(Cause::Differs);
    let words = last_words(facts).map(quote).unwrap_or_default();
    format!("Source and target differ: {words}.")
}

fn not_ended(facts: &Facts, verdict: &mut Verdict) -> String {
    verdict.next_step = Some("find out what stopped it, or give the exit code".to_owned());
    let named = if verdict.counts.copied > 0 {
        format!("{} listed, but the", files_were(verdict.counts.copied))
    } else {
        "The".to_owned()
    };
    let errors = match facts.items.total() {
        0 => String::new(),
        1 => ", after 1 error".to_owned(),
        n => format!(", after {} errors", grouped(n)),
    };
    format!("{named} log ends without final figures{errors}: nothing shows that rclone came to its end.")
}
