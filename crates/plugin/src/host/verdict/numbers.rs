//! Whether a result's numbers bear it out.

use strongroom_model::text::{files, grouped};

use super::Facts;
use crate::host::seen::Seen;
use crate::protocol::{Counts, Evidence, Operation, Outcome, Report, Retry};

/// Makes the report worse where its numbers contradict it, and says so.
pub(super) fn check(report: &mut Report, seen: &Seen, facts: &Facts<'_>, notes: &mut Vec<String>) {
    if facts.operation == Some(Operation::Run) && report.counts.deleted > facts.max_delete {
        let sentence =
            format!("The plugin deleted {} files; {} were allowed.", report.counts.deleted, facts.max_delete);
        worsen(report, Outcome::Failed, "deleted-too-much", &sentence, notes);
        report.retry = Some(Retry::Never);
    }
    if report.outcome > Outcome::Done {
        return;
    }
    if facts.operation == Some(Operation::Verify) {
        unproven(report, seen, notes);
    } else if let Some(sentence) = incomplete(report, seen, facts) {
        worsen(report, Outcome::Partial, "incomplete", &sentence, notes);
    } else if report.outcome == Outcome::Nothing && report.counts.copied + report.counts.deleted > 0 {
        notes.push("The plugin said that there was nothing to do, and changed files.".to_owned());
        report.outcome = Outcome::Done;
    }
}

fn worsen(report: &mut Report, outcome: Outcome, cause: &str, sentence: &str, notes: &mut Vec<String>) {
    if report.outcome >= outcome {
        return;
    }
    notes.push(format!("The plugin said {}: {}", report.outcome.name(), report.sentence));
    report.outcome = outcome;
    report.sentence = sentence.to_owned();
    report.cause = Some(cause.to_owned());
}

/// Why not all was done, if the numbers say so.
fn incomplete(report: &Report, seen: &Seen, facts: &Facts<'_>) -> Option<String> {
    if !matches!(facts.operation, Some(Operation::Run | Operation::Plan)) {
        return None;
    }
    let counts = &report.counts;
    if counts.failed > 0 {
        return Some(format!("{} files failed.", counts.failed));
    }
    if counts.mismatched > 0 {
        return Some(format!(
            "{} are a file on one side and a folder on the other, and were not copied.",
            counts.mismatched
        ));
    }
    if seen.bad_items > 0 {
        return Some(format!("The plugin names {} files that failed.", seen.bad_items));
    }
    let accounted = counts.copied.saturating_add(counts.skipped).saturating_add(counts.failed);
    (accounted < counts.seen)
        .then(|| format!("The plugin accounts for {accounted} of the {} files that it saw.", counts.seen))
}

/// Verified is what names its evidence, and found nothing wrong.
fn unproven(report: &mut Report, seen: &Seen, notes: &mut Vec<String>) {
    let counts = report.counts;
    let wrong = counts.failed.saturating_add(counts.mismatched).max(seen.bad_items);
    if wrong > 0 {
        let sentence = format!("{wrong} files of the copy are missing, differ or cannot be read.");
        worsen(report, Outcome::Failed, "proof-failed", &sentence, notes);
    } else if report.outcome == Outcome::Done && report.evidence.as_ref().is_none_or(|found| found.method.is_empty()) {
        let sentence = "The plugin says that the copy is proven, and not how.";
        worsen(report, Outcome::Failed, "plugin-protocol", sentence, notes);
        report.retry = Some(Retry::Never);
    } else if report.outcome == Outcome::Done && report.evidence.as_ref().is_some_and(|found| is_idle(found, counts)) {
        let sentence = "The plugin says that the copy is proven, and that it read no file of it.";
        worsen(report, Outcome::Failed, "plugin-protocol", sentence, notes);
        report.retry = Some(Retry::Never);
    } else if report.outcome == Outcome::Done
        && let Some(sentence) = shortfall(report)
    {
        worsen(report, Outcome::Partial, "not-proven", &sentence, notes);
        report.next_step =
            Some("look at the run's log; tell the plugin's author if no file is missing there".to_owned());
        report.retry = Some(Retry::Never);
    }
}

/// Why what was read is not the copy, if the numbers say so. Only a part needs not account for all that was seen.
fn shortfall(report: &Report) -> Option<String> {
    let evidence = report.evidence.as_ref().filter(|evidence| !is_part(evidence))?;
    let Counts { seen, proven, skipped, .. } = report.counts;
    if proven.saturating_add(skipped) < seen {
        return Some(format!(
            "Not proven: the plugin accounts for {} of the {} that it saw, and names no part that it read.",
            grouped(proven.saturating_add(skipped)),
            files(seen)
        ));
    }
    // Of a method that does not count the files that it reads, nothing is expected.
    let is_contradicted = reads_files(evidence) && evidence.files > 0 && evidence.files < proven;
    is_contradicted.then(|| {
        let (read, proven) = (files(evidence.files), grouped(proven));
        format!("Not proven: the plugin read {read}, and says that {proven} are proven.")
    })
}

fn is_part(evidence: &Evidence) -> bool {
    evidence.sample.is_some_and(|sample| sample.of > 1)
}

fn reads_files(evidence: &Evidence) -> bool {
    matches!(evidence.method.as_str(), "sha256" | "bytes" | "restore")
}

/// Whether nothing was read by a method that reads files. A part of the copy may have none; other methods need not
/// count them.
fn is_idle(evidence: &Evidence, counts: Counts) -> bool {
    let has_read = counts.proven > 0 || evidence.files > 0 || evidence.bytes > 0;
    reads_files(evidence) && !is_part(evidence) && !has_read
}
