//! A transfer in which nothing is deleted before it was counted.
//!
//! With `delete`, the transfer runs with `--max-delete=0`: rsync copies, deletes nothing, and says how many files it
//! would have deleted. If that is none, as on most nights, the job is done after one pass. Else a second pass counts
//! exactly what it would delete, the brake judges, and only then a third one deletes.

use strongroom_plugin::Speaker;
use strongroom_plugin::protocol::{Outcome, Report, Request};
use strongroom_toollog::Tool::Rsync as RSYNC;

use crate::brake::{refused, within_bounds};
use crate::report::{not_started, of_call, of_run};
use crate::rsync::settings::Settings;
use crate::state::State;
use crate::tool::{Call, read_run};

/// rsync's exit code when `--max-delete` stopped deletions; rsync(1), EXIT VALUES.
const DELETIONS_STOPPED: i64 = 25;
/// Looks only for what to delete.
const ONLY_DELETIONS: [&str; 2] = ["--existing", "--ignore-existing"];

/// Transfers; then deletes what may be deleted.
pub(super) fn transfer(
    settings: &Settings,
    request: &Request,
    state: &State,
    speaker: &Speaker,
    call: &Call,
) -> Report {
    let source = settings.source().local();
    let first: &[&str] = if settings.delete { &["--info=progress2", "--max-delete=0"] } else { &["--info=progress2"] };
    let copy = call.clone().args(settings.args(first, settings.delete));
    let (ended, run) = match read_run(&copy, speaker, "copying") {
        Ok(done) => done,
        Err(error) => return not_started(&copy.program, &error),
    };
    if !settings.delete || ended.code != DELETIONS_STOPPED {
        return of_run(&run, ended, RSYNC, source, speaker);
    }
    // What the code says of deletions is our own doing: without it, the transfer ended well.
    let copied = of_run(&run.with_exit_code(0), ended, RSYNC, source, speaker);
    let counting =
        call.clone().args(settings.args(&["--dry-run", ONLY_DELETIONS[0], ONLY_DELETIONS[1]], true)).quietly();
    let planned = of_call(&counting, RSYNC, "counting deletions", source, speaker);
    if planned.outcome > Outcome::Done {
        return planned;
    }
    if let Err(reason) = within_bounds(planned.counts.deleted, request.limits.max_delete, &state.deletions) {
        return Report { tool: copied.tool, ..refused(&reason).counts(copied.counts, copied.bytes) };
    }
    delete(settings, request, speaker, &copied, call)
}

fn delete(settings: &Settings, request: &Request, speaker: &Speaker, copied: &Report, call: &Call) -> Report {
    let bound = format!("--max-delete={}", request.limits.max_delete);
    let deleting = call.clone().args(settings.args(&[&bound, ONLY_DELETIONS[0], ONLY_DELETIONS[1]], true));
    let deleted = of_call(&deleting, RSYNC, "deleting", settings.source().local(), speaker);
    let mut report = if deleted.outcome > Outcome::Done { deleted.clone() } else { copied.clone() };
    report.counts = copied.counts;
    report.counts.deleted = deleted.counts.deleted;
    report.counts.extra = deleted.counts.extra;
    if deleted.outcome <= Outcome::Done {
        let files = strongroom_model::text::files;
        report.outcome = Outcome::Done;
        report.sentence =
            format!("{} copied; {} deleted from the copy.", files(copied.counts.copied), files(deleted.counts.deleted));
    }
    report
}
