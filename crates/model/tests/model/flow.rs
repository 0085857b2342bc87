//! Which stage each event hands its subject to.

use std::collections::BTreeSet;

use strongroom_model::event::CATALOGUE;
use strongroom_model::{Event, Next, StageName, next_step};

use crate::samples::{self, at, failed, retried};

#[test]
#[expect(clippy::too_many_lines, reason = "one table with a line for each type of event")]
fn each_type_of_event_has_its_next_step() {
    use StageName::{Archive, Custody, Enumerate, Fetch, Notify, Prove, Purge, Transfer, Verify};
    let now = |stage| Some(Next { stage, not_before: None });
    let due = |stage| Some(Next { stage, not_before: Some(at(5)) });
    // The samples' failures: verify's, enumerate's and notify's, each with a time to try again;
    // the `.bare` ones need a person.
    let table = [
        ("timesheet.enumerated.v1", now(Fetch)),
        ("timesheet.fetched.v1", now(Verify)),
        ("timesheet.backed-up.v1", now(Archive)),
        ("timesheet.archived.v1", None),
        ("timesheet.purged.v1", None),
        ("timesheet.restored.v1", None),
        ("timesheet.failed.v1", due(Fetch)),
        ("timesheet.failed.v1.bare", None),
        ("timesheet.retried.v1", None),
        ("timesheet.retried.v1.bare", now(Archive)),
        ("timesheet.held.v1", Some(Next { stage: Fetch, not_before: Some(at(20)) })),
        ("run.requested.v1", now(Enumerate)),
        ("run.enumerated.v1", None),
        ("run.enumerated.v1.bare", None),
        ("run.failed.v1", due(Enumerate)),
        ("drive.initialised.v1", None),
        ("drive.attached.v1", None),
        ("drive.used.v1", None),
        ("drive.used.v1.bare", None),
        ("drive.adopted.v1", None),
        ("drive.adopted.v1.bare", None),
        ("drive.identity-restored.v1", None),
        ("drive.handed-over.v1", None),
        ("drive.returned.v1", None),
        ("drive.returned.v1.bare", None),
        ("drive.retired.v1", None),
        ("drive.lost.v1", None),
        ("copy.made.v1", None),
        ("copy.made.v1.bare", None),
        ("copy.proven.v1", None),
        ("copy.proven.v1.bare", None),
        ("copy.damaged.v1", None),
        ("copy.damaged.v1.bare", None),
        ("copy.repaired.v1", None),
        ("copy.restored.v1", None),
        ("custody.requested.v1", now(Custody)),
        // Into a folder: the process that asks does it.
        ("custody.requested.v1.bare", None),
        ("custody.advanced.v1", now(Custody)),
        ("custody.finished.v1", None),
        ("custody.finished.v1.bare", None),
        ("custody.cancelled.v1", None),
        ("purge.proposed.v1", None),
        ("purge.approved.v1", None),
        ("purge.refused.v1", None),
        ("purge.requested.v1", now(Purge)),
        ("purge.advanced.v1", now(Purge)),
        ("purge.finished.v1", None),
        ("host.joined.v1", None),
        ("host.retired.v1", None),
        ("job.defined.v1", None),
        ("job.defined.v1.bare", None),
        ("job.retired.v1", None),
        ("job.run-due.v1", None),
        ("job.cancel-requested.v1", None),
        ("job.run-ended.v1", None),
        ("job.run-ended.v1.bare", None),
        ("jobrun.requested.v1", now(Transfer)),
        ("jobrun.requested.v1.bare", now(Prove)),
        ("jobrun.started.v1", now(Transfer)),
        ("jobrun.started.v1.bare", now(Transfer)),
        ("jobrun.transferred.v1", now(Prove)),
        ("jobrun.transferred.v1.bare", None),
        ("jobrun.verified.v1", None),
        ("jobrun.verified.v1.bare", None),
        ("jobrun.cancelled.v1", None),
        ("alarm.raised.v1", now(Notify)),
        ("alarm.cleared.v1", now(Notify)),
        ("alarm.notified.v1", None),
        ("alarm.failed.v1", due(Notify)),
        ("summary.composed.v1", now(Notify)),
        ("summary.sent.v1", None),
        ("key.created.v1", None),
        ("key.rotated.v1", None),
        ("witness.added.v1", None),
        ("witness.removed.v1", None),
        ("summary.failed.v1", due(Notify)),
        ("work.attempt-failed.v1", due(Fetch)),
        ("work.failed.v1", None),
        ("work.held.v1", Some(Next { stage: Verify, not_before: Some(at(20)) })),
    ];
    let mut types = BTreeSet::new();
    for (file, sample) in samples::all() {
        let name = file.trim_start_matches("strongroom.").trim_end_matches(".json").trim_end_matches(".approved");
        let (_, expected) =
            table.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no line for {name}"));
        assert_eq!(next_step(&sample.event), *expected, "{name}");
        types.insert(sample.event.type_name());
    }
    assert_eq!(types.len(), CATALOGUE.len(), "a type of event has no sample");
}

#[test]
fn a_failure_goes_back_to_its_own_stage_but_verifys_to_fetch() {
    for &stage in StageName::ALL {
        let expected = if stage == StageName::Verify { StageName::Fetch } else { stage };
        let next = next_step(&Event::TimesheetFailed(failed(stage, true))).unwrap();
        assert_eq!((next.stage, next.not_before), (expected, Some(at(5))));
        assert_eq!(next_step(&Event::TimesheetFailed(failed(stage, false))), None);
    }
}

#[test]
fn a_retry_from_the_record_waits_for_the_next_run() {
    assert_eq!(next_step(&retried(StageName::Enumerate)), None);
    assert_eq!(next_step(&retried(StageName::Archive)), Some(Next { stage: StageName::Archive, not_before: None }));
}
