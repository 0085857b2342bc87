//! Facts and an exit code to a verdict.

use strongroom_model::text::{files, grouped};

use crate::outcome::{Cause, Counts, Outcome, Retry};
use crate::report::Verdict;
use crate::restic::codes::meaning_of;
use crate::restic::{DataRead, Facts, Other, Summary};
use crate::rsync::codes::Meaning;
use crate::sentence::{bounded, files_were, quote, size};

/// What a run's output and its exit code say together.
#[must_use]
pub fn judge(facts: &Facts, exit_code: Option<i64>) -> Verdict {
    let code = exit_code.or(facts.code);
    let meaning = match code {
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
        next_step: step(meaning.cause).map(str::to_owned),
        retry: meaning.retry,
        counts: counts(facts),
        bytes: facts.summary.as_ref().map(|summary| summary.data_added),
        problems: Vec::new(),
    };
    let sentence = match verdict.outcome {
        Outcome::Done => well(facts, &mut verdict),
        Outcome::Partial => partial(facts),
        _ if verdict.cause == Some(Cause::NotEnded) => {
            "The output ends without a summary: nothing shows that restic came to its end.".to_owned()
        }
        _ => bad(facts, &meaning, code),
    };
    if facts.missing_sources > 0 && verdict.outcome != Outcome::Failed {
        verdict.problems.push("a source does not exist; releases before 0.19 do not call that an error".to_owned());
    }
    verdict.sentence = sentence;
    verdict.sentence = bounded(&verdict.sentence);
    verdict
}

fn counts(facts: &Facts) -> Counts {
    let summary = facts.summary.clone().unwrap_or_default();
    let failed = facts.items.total();
    Counts {
        seen: summary.total_files + failed,
        copied: summary.files_new + summary.files_changed,
        skipped: summary.files_unmodified,
        failed,
        ..Counts::default()
    }
}

fn implied(facts: &Facts) -> i64 {
    let is_bad = facts.fatal.is_some() || facts.damage > 0 || facts.other == Some(Other::CheckedBadly);
    match (is_bad, facts.items.total()) {
        (true, _) => 1,
        (false, 0) => 0,
        (false, _) => 3,
    }
}

fn refined(facts: &Facts, code: i64) -> Meaning {
    let with = |outcome, cause, retry, text| Meaning { outcome, cause: Some(cause), retry, text };
    let fatal = facts.fatal.as_deref().unwrap_or_default();
    match code {
        // Old releases say no more than 1.
        0 if facts.items.total() > 0 => {
            with(Outcome::Partial, Cause::FilesFailed, Retry::Later, "some of the source could not be read")
        }
        0 if facts.summary.as_ref().is_some_and(|summary| summary.total_files == 0) => {
            with(Outcome::Failed, Cause::SourceEmpty, Retry::Never, "the source has no files")
        }
        _ if facts.damage > 0 || facts.other == Some(Other::CheckedBadly) => {
            with(Outcome::Failed, Cause::Damaged, Retry::Never, "the repository is damaged")
        }
        1 if fatal.starts_with("wrong password") => {
            with(Outcome::Failed, Cause::WrongPassword, Retry::Never, "the password is wrong")
        }
        1 if fatal.contains("already locked") || fatal.contains("unable to create lock") => {
            with(Outcome::Obstructed, Cause::Locked, Retry::Later, "the repository is locked by another process")
        }
        1 if fatal.contains("unable to open config file") => {
            with(Outcome::Failed, Cause::RepositoryMissing, Retry::Never, "there is no repository")
        }
        1 if fatal.contains("do not exist") => {
            with(Outcome::Failed, Cause::SourceMissing, Retry::Never, "the source is not there")
        }
        1 if fatal.contains("no space left on device") => {
            with(Outcome::Obstructed, Cause::TargetFull, Retry::Later, "the repository has no space left")
        }
        _ => meaning_of(code),
    }
}

fn well(facts: &Facts, verdict: &mut Verdict) -> String {
    let Some(summary) = &facts.summary else { return other(facts, verdict) };
    let Summary { files_new, files_changed, total_files, total_bytes, .. } = *summary;
    if summary.is_dry_run {
        let (new, changed) = (grouped(files_new), grouped(files_changed));
        return format!("{new} new and {changed} changed of {}.", files(total_files));
    }
    let Some(snapshot) = &summary.snapshot else {
        verdict.outcome = Outcome::Nothing;
        return format!("No snapshot was made: {} had not changed.", files(total_files));
    };
    let id = snapshot.chars().take(8).collect::<String>();
    let of = format!("snapshot {id} holds {} ({})", files(total_files), size(total_bytes));
    if files_new + files_changed == 0 {
        return format!("Nothing had changed: {of}.");
    }
    format!("{} new and {} changed: {of}.", grouped(files_new), grouped(files_changed))
}

fn other(facts: &Facts, verdict: &mut Verdict) -> String {
    match facts.other {
        Some(Other::CheckedWell) => match facts.data_read {
            DataRead::All => "The repository was checked and all of its data read: no errors were found.",
            DataRead::Part => "The repository was checked and a part of its data read: no errors were found.",
            DataRead::None => {
                "The repository's structure was checked: no errors were found; its data was not read (--read-data reads it)."
            }
            DataRead::Unknown => {
                "The repository was checked: no errors were found; the log does not show whether its data was read."
            }
        },
        Some(Other::Created) => "A repository was created; nothing is in it yet.",
        Some(Other::Pruned) => "Snapshots were forgotten or the repository was pruned; nothing was backed up by this.",
        Some(Other::Listed(count)) => {
            verdict.outcome = Outcome::Nothing;
            return format!("{} snapshots are listed; nothing was backed up by this.", grouped(count));
        }
        _ => "It ended well, and its output does not say what was done.",
    }
    .to_owned()
}

fn partial(facts: &Facts) -> String {
    let failed = facts.items.total();
    let first = facts.items.kept().first().map(|item| {
        let path = item.path.as_deref().map(quote).unwrap_or_default();
        let reason = item.reason.as_deref().map(|reason| format!(": {}", quote(reason))).unwrap_or_default();
        format!(" ({}{path}{reason})", if failed > 1 { "first " } else { "" })
    });
    let made = match facts.summary.as_ref().and_then(|summary| summary.snapshot.as_ref()) {
        Some(id) => {
            let them = if failed > 1 { "them" } else { "it" };
            format!("Snapshot {} was made without {them}", id.chars().take(8).collect::<String>())
        }
        None => "No snapshot is named".to_owned(),
    };
    format!("{} not readable{}. {made}.", files_were(failed.max(1)), first.unwrap_or_default())
}

fn bad(facts: &Facts, meaning: &Meaning, code: Option<i64>) -> String {
    let words = facts.first_damage.as_deref().or(facts.fatal.as_deref()).map(|words| format!(": {}", quote(words)));
    let code = code.map(|code| format!(" (code {code})")).unwrap_or_default();
    let failed = match meaning.outcome {
        Outcome::Cancelled => return format!("It was stopped before its end{code}."),
        Outcome::Obstructed => "It could not run",
        _ => "It failed",
    };
    format!("{failed}: {}{}{code}.", meaning.text, words.unwrap_or_default())
}

const fn step(cause: Option<Cause>) -> Option<&'static str> {
    Some(match cause {
        Some(Cause::NotEnded) => "find out what stopped it, or give the exit code",
        Some(Cause::WrongPassword) => "correct the password or its file",
        Some(Cause::Locked) => "wait for the other process; if there is none, a person may run `restic unlock`",
        Some(Cause::RepositoryMissing) => "correct the repository's address, or create it with `restic init`",
        Some(Cause::Damaged) => "do not prune; see restic's manual, Troubleshooting",
        Some(Cause::SourceMissing | Cause::SourceEmpty) => "mount or correct the source",
        Some(Cause::TargetFull) => "make room for the repository",
        _ => return None,
    })
}
