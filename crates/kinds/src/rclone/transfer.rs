//! A transfer in which nothing is deleted before it was counted.
//!
//! With `delete`, the transfer runs with `--max-delete=0`: rclone copies, deletes nothing, and its figures have how many
//! files it would have deleted. If that is none, as on most nights, the job is done. Else the brake judges, and only
//! then a second pass deletes.

use strongroom_plugin::Speaker;
use strongroom_plugin::protocol::{Outcome, Report, Request};
use strongroom_toollog::Tool::Rclone as RCLONE;

use crate::brake::{refused, within_bounds};
use crate::rclone::settings::Settings;
use crate::report::{not_started, of_call, of_run};
use crate::state::State;
use crate::tool::{Call, read_run};

/// rclone's exit code for an error that ends the run; so it ends where `--max-delete` stopped it.
const FATAL: i64 = 7;

/// Transfers; then deletes what may be deleted.
pub(super) fn transfer(
    settings: &Settings,
    request: &Request,
    state: &State,
    speaker: &Speaker,
    call: &Call,
) -> Report {
    let source = settings.source().local();
    let more: &[&str] = if settings.delete { &["--max-delete=0"] } else { &[] };
    let first = call.clone().args(settings.args(settings.verb(), more));
    let (ended, run) = match read_run(&first, speaker, "copying") {
        Ok(done) => done,
        Err(error) => return not_started(&first.program, &error),
    };
    let stopped = run.runs.last().map_or(0, |run| run.verdict.counts.deleted);
    if !settings.delete || ended.code != FATAL || stopped == 0 {
        return of_run(&run, ended, RCLONE, source, speaker);
    }
    let planning = call.clone().args(settings.args("sync", &["--dry-run"])).quietly();
    let planned = of_call(&planning, RCLONE, "counting deletions", source, speaker);
    if planned.outcome > Outcome::Done {
        return planned;
    }
    let copied = run.runs.last().map(|run| run.verdict.counts).unwrap_or_default();
    let mut counts = crate::report::counts(copied);
    // What stopped it were deletions: they are no failures of files.
    (counts.deleted, counts.failed, counts.seen) = (0, 0, copied.copied + copied.skipped);
    let bytes = run.runs.last().and_then(|run| run.verdict.bytes).unwrap_or(0);
    if let Err(reason) = within_bounds(planned.counts.deleted, request.limits.max_delete, &state.deletions) {
        return refused(&reason).counts(counts, bytes);
    }
    let bound = format!("--max-delete={}", request.limits.max_delete);
    let deleting = call.clone().args(settings.args("sync", &[&bound]));
    let mut report = of_call(&deleting, RCLONE, "deleting", source, speaker);
    if report.outcome <= Outcome::Done {
        counts.copied += report.counts.copied;
        counts.seen += report.counts.copied;
        counts.deleted = report.counts.deleted;
        let files = strongroom_model::text::files;
        report.sentence = format!("{} copied; {} deleted from the copy.", files(counts.copied), files(counts.deleted));
        report.outcome = Outcome::Done;
        report = report.counts(counts, bytes);
    }
    report
}
