//! How a run ended, as the job's own stream has it: pure.

use jiff::Timestamp;
use strongroom_model::event::{JobCounts, JobEvidence, JobOutcome, JobRunEnded, JobRunVerified, WholeProof};
use strongroom_model::job::{Coverage, JobRun};
use strongroom_model::text::with_full_stop;
use strongroom_model::{FailureKind, JobRunId};

/// For a damaged copy, where the kind has no better advice.
const MEND: &str = "check the target's disk; if the source is right, delete the damaged files of the copy, which `strongroom job show` \
    names, and run the job again";

/// How a run ended, given how the one before it did; `None` while it has not.
#[must_use]
pub fn ending(id: JobRunId, run: &JobRun, before: Option<&JobRunEnded>) -> Option<JobRunEnded> {
    let outcome = run.outcome()?;
    let verified = run.verified.as_ref();
    let is_partial = run.transferred.as_ref().is_some_and(|copied| copied.counts.failed > 0);
    let parts_before = before.map(|before| before.parts.clone()).unwrap_or_default();
    let coverage = verified.map_or_else(
        || Coverage { parts: parts_before.clone(), whole_since: None },
        |verified| Coverage::after(&parts_before, verified),
    );
    // What was not copied is not in what was read.
    let whole_since = coverage.whole_since.filter(|_| !is_partial);
    let damaged_before = before.and_then(|before| before.damaged_since);
    let damaged_since = match outcome {
        JobOutcome::Damaged => damaged_before.or_else(|| verified.map(|verified| verified.began_at)),
        _ => damaged_before.filter(|damaged| whole_since.is_none_or(|whole| whole < *damaged)),
    };
    let proof_before = before.and_then(|before| before.proof.clone()).filter(|_| damaged_since.is_none());
    let proof = match (verified, whole_since) {
        (Some(verified), Some(since)) if damaged_since.is_none() => {
            Some(WholeProof { evidence: verified.evidence.clone(), since })
        }
        _ => proof_before,
    };
    let is_well = matches!(outcome, JobOutcome::Proven | JobOutcome::Copied);
    Some(JobRunEnded {
        counts: counts(run),
        damaged_since,
        detail: None,
        failures: if is_well { 0 } else { before.map_or(0, |before| before.failures).saturating_add(1) },
        next_step: next_step(run),
        outcome,
        parts: coverage.parts,
        proof,
        proven_at: proven_at(verified).or_else(|| before.and_then(|before| before.proven_at)),
        proves_nothing: proves_nothing(verified, before),
        run: id,
        sentence: sentence(run),
        state: state(run).or_else(|| before.and_then(|before| before.state.clone())),
    })
}

fn proven_at(verified: Option<&JobRunVerified>) -> Option<Timestamp> {
    verified.filter(|verified| verified.is_proof()).map(|verified| verified.began_at)
}

/// As the last attempt at a proof has it.
fn proves_nothing(verified: Option<&JobRunVerified>, before: Option<&JobRunEnded>) -> bool {
    verified.map_or_else(
        || before.is_some_and(|before| before.proves_nothing),
        |verified| verified.evidence.method == JobEvidence::NONE,
    )
}

fn counts(run: &JobRun) -> JobCounts {
    let copied = run.transferred.as_ref().map(|copied| copied.counts).unwrap_or_default();
    let found = run.verified.as_ref().map(|verified| verified.counts).unwrap_or_default();
    JobCounts {
        failed: copied.failed + found.failed,
        mismatched: copied.mismatched + found.mismatched,
        proven: found.proven,
        ..copied
    }
}

fn state(run: &JobRun) -> Option<String> {
    let of_proof = run.verified.as_ref().and_then(|verified| verified.state.clone());
    of_proof.or_else(|| run.transferred.as_ref().and_then(|copied| copied.state.clone()))
}

/// The worst comes first, since a list may cut the rest off.
fn sentence(run: &JobRun) -> String {
    let copied = run.transferred.as_ref().map(|copied| copied.sentence.clone());
    let found = run.verified.as_ref().map(|verified| verified.sentence.clone());
    let failed = run.failure.as_ref().map(|failed| failed.message.clone());
    let cancelled = run.cancelled.as_ref().map(|reason| format!("It was ended before its time: {reason}."));
    let is_bad = run.verified.as_ref().is_some_and(|verified| !verified.is_good());
    let (first, last) = if is_bad { (found, copied) } else { (copied, found) };
    [cancelled, failed, first, last]
        .into_iter()
        .flatten()
        .map(|part| with_full_stop(&part))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A run that has ended is not started again by itself.
const fn step_at_the_end(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Interrupted => {
            "see why the process ended; `strongroom job run` does it now, or the schedule later"
        }
        FailureKind::Obstructed => {
            "put right what the message names, such as a target that is not mounted or a disk without room; then run `strongroom job run`"
        }
        other => other.step(),
    }
}

fn next_step(run: &JobRun) -> Option<String> {
    let of_proof = run.verified.as_ref().and_then(|verified| verified.next_step.clone());
    let of_copy = run.transferred.as_ref().and_then(|copied| copied.next_step.clone());
    // Whoever ended it knows why.
    let failure = run.failure.as_ref().filter(|_| run.cancelled.is_none());
    let of_failure = failure.map(|failed| match &failed.next_step {
        Some(step) => step.clone(),
        None => step_at_the_end(failed.kind).to_owned(),
    });
    let damaged = run.verified.as_ref().filter(|found| !found.is_good()).map(|_| MEND.to_owned());
    of_failure.or(of_proof).or(of_copy).or(damaged)
}
