//! A transfer in which nothing is deleted before it was counted.
//!
//! With `delete`, the transfer runs with `--max-delete=0`: rsync copies, deletes nothing, and says how many files it
//! would have deleted. If that is none, as on most nights, the job is done after one pass. Else a second pass counts
//! exactly what it would delete, the brake judges, and only then a third one deletes.

use strongroom_plugin::Speaker;
use strongroom_plugin::protocol::{Outcome, Report, Request, Retry};

use crate::brake::within_bounds;
use crate::report::{bounded, not_started, of_run};
use crate::rsync::settings::Settings;
use crate::state::State;
use crate::tool::{Call, read_run};
use strongroom_toollog::Tool::Rsync as RSYNC;

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
    call: impl Fn() -> Call,
) -> Report {
    let source = settings.source().local();
    let first: &[&str] = if settings.delete { &["--info=progress2", "--max-delete=0"] } else { &["--info=progress2"] };
    let copy = call().args(settings.args(first, settings.delete));
    let (ended, run) = match read_run(&copy, speaker, "copying") {
        Ok(done) => done,
        Err(error) => return not_started(&copy.program, &error),
    };
    if !settings.delete || ended.code != DELETIONS_STOPPED {
        return of_run(&run, ended, RSYNC, source, speaker);
    }
    // What the code says of deletions is our own doing: without it, the transfer ended well.
    let copied = of_run(&run.with_exit_code(0), ended, RSYNC, source, speaker);
    let counting = call().args(settings.args(&["--dry-run", ONLY_DELETIONS[0], ONLY_DELETIONS[1]], true)).quietly();
    let planned = match read_run(&counting, speaker, "counting deletions") {
        Ok((ended, run)) => of_run(&run, ended, RSYNC, source, speaker),
        Err(error) => return not_started(&counting.program, &error),
    };
    if planned.outcome > Outcome::Done {
        return planned;
    }
    if let Err(sentence) = within_bounds(planned.counts.deleted, request.limits.max_delete, &state.deletions) {
        let mut report = Report::new(Outcome::Failed, bounded(&sentence)).counts(copied.counts, copied.bytes);
        report.tool = copied.tool;
        return report
            .because("would-delete-too-much")
            .next_step("see what would be deleted with `strongroom job plan`, then raise max_delete for one run")
            .retry(Retry::Never);
    }
    delete(settings, request, speaker, &copied, call)
}

fn delete(
    settings: &Settings,
    request: &Request,
    speaker: &Speaker,
    copied: &Report,
    call: impl Fn() -> Call,
) -> Report {
    let bound = format!("--max-delete={}", request.limits.max_delete);
    let deleting = call().args(settings.args(&[&bound, ONLY_DELETIONS[0], ONLY_DELETIONS[1]], true));
    let deleted = match read_run(&deleting, speaker, "deleting") {
        Ok((ended, run)) => of_run(&run, ended, RSYNC, settings.source().local(), speaker),
        Err(error) => return not_started(&deleting.program, &error),
    };
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
