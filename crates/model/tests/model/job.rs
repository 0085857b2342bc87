//! The whole tables of a job and of its runs.

use strongroom_model::event::{Failed, JobOutcome, JobRetired, JobWork};
use strongroom_model::host::Host;
use strongroom_model::job::{Coverage, Job, JobRun};
use strongroom_model::{Event, FailureKind, HostName, StageName};

use crate::samples::jobs::{
    cancel_requested, cancelled, defined, due, ended, requested, started, transferred, verified,
};
use crate::samples::{all, at, check_table, failed, folded, foreign};

fn work(retry: bool) -> Event {
    let failed = failed(StageName::Transfer, retry);
    if retry { Event::WorkAttemptFailed(failed) } else { Event::WorkFailed(failed) }
}

fn others(kinds: &[&str]) -> Vec<(&'static str, Event)> {
    let is_theirs = |event: &Event| kinds.iter().any(|kind| event.type_name().contains(kind));
    foreign(".nothing.").filter(|(_, event)| !is_theirs(event)).collect()
}

#[test]
fn a_job_has_one_run_in_progress_at_most() {
    const NEW: &str = "a job that was not defined";
    const IDLE: &str = "a job without a run in progress";
    const BUSY: &str = "a job with a run in progress";
    const RETIRED: &str = "a retired job";
    let retired = || Event::JobRetired(JobRetired { reason: "not needed".to_owned() });
    let run_ended = || Event::JobRunEnded(ended(JobOutcome::Proven));
    let states: [Job; 4] =
        [folded(&[]), folded(&[defined()]), folded(&[defined(), due()]), folded(&[defined(), retired()])];
    let table = [
        (NEW, "defined", IDLE),
        (IDLE, "defined", IDLE),
        (BUSY, "defined", BUSY),
        (RETIRED, "defined", IDLE),
        (IDLE, "due", BUSY),
        (RETIRED, "due", RETIRED),
        (BUSY, "ended", IDLE),
        (BUSY, "cancel", BUSY),
        (IDLE, "retired", RETIRED),
        (BUSY, "retired", RETIRED),
    ];
    let own = [
        ("defined", defined()),
        ("due", due()),
        ("ended", run_ended()),
        ("cancel", cancel_requested()),
        ("retired", retired()),
    ];
    check_table(&states, own.into_iter().chain(others(&[".job."])), &table);
}

#[test]
fn a_run_goes_from_request_to_proof_and_ends_once() {
    const NEW: &str = "a run that was not requested";
    const DUE: &str = "a run that is due";
    const BUSY: &str = "a run in progress";
    const ENDED: &str = "a run that has ended";
    let requested = || requested(JobWork::TransferAndProve);
    let copied = || Event::JobRunTransferred(transferred(true, 0));
    let proven = || Event::JobRunVerified(verified(0));
    let states: [JobRun; 5] = [
        folded(&[]),
        folded(&[requested()]),
        folded(&[requested(), started()]),
        folded(&[requested(), started(), work(true)]),
        folded(&[requested(), started(), copied(), proven()]),
    ];
    let own = [
        ("requested", requested()),
        ("started", started()),
        ("copied", copied()),
        ("proven", proven()),
        ("retry", work(true)),
        ("person", work(false)),
        ("cancelled", cancelled()),
    ];
    let table = [
        (NEW, "requested", DUE),
        (DUE, "started", BUSY),
        (BUSY, "started", BUSY),
        (DUE, "copied", DUE),
        (BUSY, "copied", DUE),
        (DUE, "proven", ENDED),
        (BUSY, "proven", ENDED),
        (DUE, "retry", DUE),
        (BUSY, "retry", DUE),
        (DUE, "person", ENDED),
        (BUSY, "person", ENDED),
        (DUE, "cancelled", ENDED),
        (BUSY, "cancelled", ENDED),
    ];
    let own = own.into_iter().chain(others(&[".jobrun.", ".work."]));
    check_table(&states, own, &table);
}

#[test]
fn r10_only_a_proof_is_proven_and_a_tools_good_end_is_copied() {
    let outcome = |events: &[Event]| folded::<JobRun>(events).outcome();
    let only_copy = || requested(JobWork::Transfer);
    let both = || requested(JobWork::TransferAndProve);
    let copied = |prove, failed| Event::JobRunTransferred(transferred(prove, failed));
    let read = |bad| Event::JobRunVerified(verified(bad));
    assert_eq!(outcome(&[only_copy(), copied(false, 0)]), Some(JobOutcome::Copied));
    assert_eq!(outcome(&[only_copy(), copied(false, 1)]), Some(JobOutcome::Partial));
    assert_eq!(outcome(&[both(), copied(true, 0)]), None);
    assert_eq!(outcome(&[both(), copied(true, 0), read(0)]), Some(JobOutcome::Proven));
    assert_eq!(outcome(&[both(), copied(true, 1), read(0)]), Some(JobOutcome::Partial));
    assert_eq!(outcome(&[both(), copied(true, 0), read(1)]), Some(JobOutcome::Damaged));
    assert_eq!(outcome(&[both(), copied(true, 0), work(false)]), Some(JobOutcome::Failed), "the proof failed");
    let changed = Event::WorkFailed(Failed { kind: FailureKind::NotProven, ..failed(StageName::Prove, false) });
    assert_eq!(outcome(&[both(), copied(true, 0), changed.clone()]), Some(JobOutcome::Copied));
    assert_eq!(outcome(&[both(), changed]), Some(JobOutcome::Failed), "nothing was copied");
    assert_eq!(outcome(&[both(), work(true)]), None);
    assert_eq!(outcome(&[both(), work(false)]), Some(JobOutcome::Failed));
    assert_eq!(outcome(&[both(), started(), cancelled()]), Some(JobOutcome::Cancelled));
}

#[test]
fn a_host_is_retired_once_and_may_come_back() {
    let events: Vec<Event> = all().into_iter().map(|(_, sample)| sample.event).collect();
    let of = |name: &str| events.iter().find(|event| event.type_name().contains(name)).cloned().unwrap();
    let (joined, retired) = (of("host.joined"), of("host.retired"));
    let back: Host = folded(&[joined.clone(), retired.clone(), joined.clone()]);
    assert!(!back.is_retired && back.joined.is_some());
    let gone: Host = folded(&[joined, retired.clone()]);
    assert!(gone.is_retired);
    let again = crate::samples::recorded(2, retired);
    assert!(strongroom_model::Fold::next(gone, &again).is_err());
}

#[test]
fn a_hosts_name_is_the_first_label_of_what_the_system_says() {
    for (system, name) in [
        ("backup-1", "backup-1"),
        ("Backup-1.example.com", "backup-1"),
        ("B\u{fc}ro_PC", "b-ro-pc"),
        ("", "host"),
        ("---", "host"),
    ] {
        assert_eq!(HostName::of_system(system).as_str(), name, "{system}");
    }
}

#[test]
fn r10_a_copy_that_is_read_in_parts_is_whole_when_each_part_was_read() {
    let read = |part, of, minute| {
        let mut read = verified(0);
        (read.evidence.part, read.evidence.of, read.began_at) = (part, of, at(minute));
        read
    };
    let first = Coverage::after(&[], &read(Some(1), Some(2), 0));
    assert_eq!((first.parts.clone(), first.whole_since), (vec![Some(at(0)), None], None));
    let second = Coverage::after(&first.parts, &read(Some(2), Some(2), 5));
    assert_eq!(second.whole_since, Some(at(0)), "the older part counts");
    let third = Coverage::after(&second.parts, &read(Some(1), Some(2), 9));
    assert_eq!(third.whole_since, Some(at(5)));
    let others = Coverage::after(&third.parts, &read(Some(1), Some(3), 12));
    assert_eq!((others.parts.len(), others.whole_since), (3, None), "other parts begin anew");
    let whole = Coverage::after(&others.parts, &read(None, None, 20));
    assert_eq!((whole.parts.len(), whole.whole_since), (0, Some(at(20))));
    for lie in [read(Some(0), Some(2), 30), read(Some(3), Some(2), 30), read(Some(1), Some(u64::MAX), 30)] {
        assert_eq!(Coverage::after(&third.parts, &lie), Coverage { parts: third.parts.clone(), whole_since: None });
    }
    let mut sizes = read(None, None, 40);
    "sizes".clone_into(&mut sizes.evidence.method);
    assert_eq!(Coverage::after(&[], &sizes).whole_since, None, "sizes prove no content");
}
