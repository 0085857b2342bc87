//! What came of an operation, as events: pure.

use std::time::Duration;

use jiff::Timestamp;
use strongroom_model::event::{JobCounts, JobEvidence, JobItem, JobRunTransferred, JobRunVerified, JobTool};
use strongroom_model::text::with_causes;
use strongroom_model::{ByteCount, Failure, FailureKind, Fate, HostName};
use strongroom_plugin::host::{Obstacle, Stop};
use strongroom_plugin::protocol::{Counts, Evidence, Item, ItemOutcome, Outcome, ReadBack, Report, Retry, Tool};

use crate::operation::{Done, NotStarted};
use crate::target::TargetError;

/// What came of an operation.
#[derive(Debug)]
pub enum Judged {
    /// The tool copied, as it says.
    Transferred(Box<JobRunTransferred>),
    /// The copy was examined.
    Verified(Box<JobRunVerified>),
    /// A person or a limit ended it.
    Cancelled(String),
    /// It was not done.
    Failed(Box<Failure>),
}

/// Judges a transfer; `prove`: whether the copy is proven next.
#[must_use]
pub fn transfer(done: &Done, host: &HostName, prove: bool) -> Judged {
    let report = &done.ended.verdict.report;
    match report.outcome {
        Outcome::Done | Outcome::Nothing | Outcome::Partial => {
            let mut counts = counts(report.counts);
            if report.outcome == Outcome::Partial {
                // A plugin that counts no failed file has not done all of it either.
                counts.failed = counts.failed.max(1);
            }
            Judged::Transferred(Box::new(JobRunTransferred {
                bytes: ByteCount(report.bytes),
                counts,
                detail: done.detail.clone(),
                host: host.clone(),
                items: items(done),
                items_total: done.ended.items_total,
                next_step: report.next_step.clone(),
                prove,
                sentence: sentence(done),
                state: state(done),
                tool: report.tool.as_ref().map(tool),
            }))
        }
        Outcome::Obstructed | Outcome::Failed | Outcome::Cancelled => unsuccessful(done, FailureKind::ToolFailed),
    }
}

/// Judges a proof that began then. Other bytes than expected are a result, and no failure.
#[must_use]
pub fn proof(done: &Done, began_at: Timestamp) -> Judged {
    let report = &done.ended.verdict.report;
    if report.cause.as_deref() == Some("unsupported") {
        return verified(done, began_at, &Evidence { method: JobEvidence::NONE.to_owned(), ..Evidence::default() });
    }
    match (&report.evidence, report.outcome) {
        (Some(evidence), Outcome::Done | Outcome::Nothing) => verified(done, began_at, evidence),
        (None, Outcome::Done | Outcome::Nothing) => {
            let message = "the plugin says that the copy is right, and not how it knows: it gave no evidence";
            Judged::Failed(Box::new(Failure::new(FailureKind::ProofFailed, message, Fate::Person)))
        }
        // Whoever finds damage need not say how it was looked for.
        (evidence, Outcome::Partial | Outcome::Failed) if found_damage(done) => {
            verified(done, began_at, &evidence.clone().unwrap_or_else(unstated))
        }
        (_, Outcome::Partial) => unsuccessful(done, FailureKind::NotProven),
        _ => unsuccessful(done, FailureKind::ProofFailed),
    }
}

fn unstated() -> Evidence {
    Evidence { method: "unstated".to_owned(), ..Evidence::default() }
}

/// Whether the copy was looked at and is not what it should be, as the counts, an item or the cause say. Otherwise the
/// plugin could not look.
fn found_damage(done: &Done) -> bool {
    let report = &done.ended.verdict.report;
    let is_bad = |item: &Item| {
        matches!(
            item.outcome,
            ItemOutcome::Failed | ItemOutcome::Differs | ItemOutcome::Unreadable | ItemOutcome::Mismatched
        )
    };
    let causes = ["proof-failed", "differs", "digest-differs", "damaged"];
    report.counts.mismatched > 0
        || report.counts.failed > 0
        || done.ended.items.iter().any(is_bad)
        || report.cause.as_deref().is_some_and(|cause| causes.contains(&cause))
}

fn verified(done: &Done, began_at: Timestamp, evidence: &Evidence) -> Judged {
    let report = &done.ended.verdict.report;
    let mut counts = counts(report.counts);
    if matches!(report.outcome, Outcome::Partial | Outcome::Failed) && evidence.method != JobEvidence::NONE {
        counts.mismatched = counts.mismatched.max(u64::from(counts.failed == 0));
    }
    Judged::Verified(Box::new(JobRunVerified {
        began_at,
        counts,
        detail: done.detail.clone(),
        evidence: JobEvidence {
            bytes: ByteCount(evidence.bytes),
            coverage: evidence.coverage.clone(),
            files: evidence.files,
            method: evidence.method.clone(),
            of: evidence.sample.map(|sample| sample.of),
            part: evidence.sample.map(|sample| sample.part),
            read_back: read_back(evidence.read_back).map(str::to_owned),
        },
        items: items(done),
        items_total: done.ended.items_total,
        next_step: report.next_step.clone(),
        sentence: sentence(done),
        state: state(done),
        tool: report.tool.as_ref().map(tool),
    }))
}

fn unsuccessful(done: &Done, otherwise: FailureKind) -> Judged {
    let report = &done.ended.verdict.report;
    let failure = |kind: FailureKind, fate: Fate| {
        let failure = Failure::new(kind, sentence(done), fate);
        Judged::Failed(Box::new(Failure { next_step: report.next_step.clone(), ..failure }))
    };
    match report.outcome {
        Outcome::Cancelled => match done.ended.stop {
            // Nobody asked for it: the tool was ended from outside.
            None => failure(FailureKind::Interrupted, Fate::Retry),
            Some(Stop::TimedOut(_)) => failure(otherwise, Fate::Person),
            Some(_) => Judged::Cancelled(sentence(done)),
        },
        Outcome::Obstructed => failure(obstructed(report), Fate::RetryForever),
        _ => failure(kind(report, otherwise), fate(report)),
    }
}

fn obstructed(report: &Report) -> FailureKind {
    match report.cause.as_deref() {
        Some("target-unknown") => FailureKind::TargetUnknown,
        _ => FailureKind::Obstructed,
    }
}

/// The kind of failure that a plugin's cause stands for.
fn kind(report: &Report, otherwise: FailureKind) -> FailureKind {
    match report.cause.as_deref().unwrap_or_default() {
        "source-missing" | "source-empty" => FailureKind::SourceMissing,
        "would-delete-too-much" => FailureKind::WouldDeleteTooMuch,
        "tool-missing" | "tool-too-old" => FailureKind::ToolMissing,
        "settings-wrong" | "usage-error" | "config-invalid" => FailureKind::JobSettings,
        "plugin-crashed" => FailureKind::PluginCrashed,
        "plugin-silent" => FailureKind::PluginSilent,
        "plugin-protocol" | "unsupported" => FailureKind::PluginProtocol,
        _ => otherwise,
    }
}

const fn fate(report: &Report) -> Fate {
    match report.retry {
        Some(Retry::Never) => Fate::Person,
        Some(Retry::AfterS(seconds)) => Fate::RetryAfter(Duration::from_secs(seconds)),
        Some(Retry::Later) | None => Fate::Retry,
    }
}

/// The failure of an operation that was not started.
#[must_use]
pub fn not_started(error: &NotStarted) -> Failure {
    let message = with_causes(error);
    match error {
        NotStarted::Secret(_) => Failure::new(FailureKind::JobSettings, message, Fate::Person),
        NotStarted::Plugin(obstacle) => {
            let kind = match obstacle {
                Obstacle::Changed { .. } => FailureKind::PluginChanged,
                Obstacle::NoProgram | Obstacle::ShortSecret(_) | Obstacle::LongRequest(_) => FailureKind::JobSettings,
                Obstacle::Missing(_) | Obstacle::NotExecutable(_) => FailureKind::ToolMissing,
                Obstacle::Unreadable(..) | Obstacle::Workdir(..) | Obstacle::NotStarted(..) => FailureKind::Obstructed,
            };
            let fate = if kind == FailureKind::JobSettings { Fate::Person } else { Fate::RetryForever };
            Failure { next_step: Some(obstacle.next_step().to_owned()), ..Failure::new(kind, message, fate) }
        }
    }
}

/// The failure of a run whose target is not there, or another one.
#[must_use]
pub fn no_target(error: &TargetError) -> Failure {
    let kind = match error {
        TargetError::Another { .. } => FailureKind::TargetUnknown,
        _ => FailureKind::Obstructed,
    };
    let failure = Failure::new(kind, with_causes(error), Fate::RetryForever);
    Failure { next_step: Some(error.next_step().to_owned()), ..failure }
}

/// The sentence, and what else a person should know.
fn sentence(done: &Done) -> String {
    let verdict = &done.ended.verdict;
    std::iter::once(&verdict.report.sentence).chain(&verdict.notes).map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn state(done: &Done) -> Option<String> {
    done.ended.state.as_ref().map(ToString::to_string)
}

const fn counts(counts: Counts) -> JobCounts {
    JobCounts {
        copied: counts.copied,
        deleted: counts.deleted,
        extra: counts.extra,
        failed: counts.failed,
        mismatched: counts.mismatched,
        proven: counts.proven,
        seen: counts.seen,
        skipped: counts.skipped,
    }
}

fn items(done: &Done) -> Vec<JobItem> {
    let item = |item: &Item| JobItem {
        code: item.code.clone(),
        message: item.message.clone(),
        outcome: outcome_name(item.outcome),
        path: item.path.clone(),
        path_b64: item.path_b64.clone(),
    };
    done.ended.items.iter().map(item).collect()
}

fn outcome_name(outcome: ItemOutcome) -> String {
    serde_json::to_value(outcome).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

fn tool(tool: &Tool) -> JobTool {
    JobTool { exit_code: tool.exit_code, name: tool.name.clone(), version: tool.version.clone() }
}

const fn read_back(read_back: ReadBack) -> Option<&'static str> {
    match read_back {
        ReadBack::Device => Some("device"),
        ReadBack::Cached => Some("cached"),
        ReadBack::Remote => Some("remote"),
        ReadBack::Unknown => None,
    }
}
