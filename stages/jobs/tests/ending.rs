//! How a run's end stands in the job's stream.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use jiff::Timestamp;
use strongroom_jobs::ending::ending;
use strongroom_model::event::{
    JobCounts, JobEvidence, JobOutcome, JobRunEnded, JobRunRequested, JobRunTransferred, JobRunVerified, JobTrigger,
    JobWork,
};
use strongroom_model::job::JobRun;
use strongroom_model::{ByteCount, HostName, JobRunId};

fn at(minute: i64) -> Timestamp {
    let start: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
    start + jiff::SignedDuration::from_mins(minute)
}

fn host() -> HostName {
    "office-1".parse().unwrap()
}

fn id() -> JobRunId {
    "00000000-0000-7000-8000-000000000001".parse().unwrap()
}

fn run(work: JobWork) -> JobRun {
    let requested = JobRunRequested {
        due: None,
        host: host(),
        job: "documents".parse().unwrap(),
        trigger: JobTrigger::Schedule,
        work,
    };
    JobRun { requested: Some(requested), requested_at: Some(at(0)), ..JobRun::default() }
}

fn copied(prove: bool, failed: u64) -> Option<JobRunTransferred> {
    Some(JobRunTransferred {
        bytes: ByteCount(7),
        counts: JobCounts { copied: 2, failed, ..JobCounts::default() },
        detail: None,
        host: host(),
        items: Vec::new(),
        items_total: 0,
        next_step: None,
        prove,
        sentence: "2 files copied.".to_owned(),
        state: Some("1".to_owned()),
        tool: None,
    })
}

fn read(minute: i64, part: Option<(u64, u64)>, mismatched: u64) -> Option<JobRunVerified> {
    Some(JobRunVerified {
        began_at: at(minute),
        counts: JobCounts { mismatched, proven: 2, ..JobCounts::default() },
        detail: None,
        evidence: JobEvidence {
            bytes: ByteCount(7),
            coverage: None,
            files: 2,
            method: "sha256".to_owned(),
            of: part.map(|(_, of)| of),
            part: part.map(|(part, _)| part),
            read_back: None,
        },
        items: Vec::new(),
        items_total: 0,
        next_step: None,
        sentence: "2 files were read.".to_owned(),
        state: None,
        tool: None,
    })
}

fn end(run: &JobRun, before: Option<&JobRunEnded>) -> JobRunEnded {
    ending(id(), run, before).unwrap()
}

fn whole(minute: i64) -> JobRun {
    JobRun { transferred: copied(true, 0), verified: read(minute, None, 0), ..run(JobWork::TransferAndProve) }
}

#[test]
fn a_run_in_progress_has_no_end() {
    assert_eq!(ending(id(), &run(JobWork::Transfer), None), None);
}

#[test]
fn r10_a_run_that_only_copies_keeps_the_last_whole_proof_and_its_age() {
    let proven = end(&whole(5), None);
    assert_eq!((proven.outcome, proven.proof.as_ref().map(|proof| proof.since)), (JobOutcome::Proven, Some(at(5))));
    let only = JobRun { transferred: copied(false, 0), ..run(JobWork::Transfer) };
    let later = end(&only, Some(&proven));
    assert_eq!((later.outcome, later.proof.map(|proof| proof.since)), (JobOutcome::Copied, Some(at(5))));
    assert_eq!(later.proven_at, Some(at(5)));
}

#[test]
fn r10_a_partial_run_does_not_renew_the_whole_proof() {
    let before = end(&whole(5), None);
    let partial = JobRun { transferred: copied(true, 1), ..whole(60) };
    let ended = end(&partial, Some(&before));
    assert_eq!((ended.outcome, ended.proof.map(|proof| proof.since)), (JobOutcome::Partial, Some(at(5))));
    assert_eq!(ended.failures, 1);
}

#[test]
fn r10_damage_stays_until_the_whole_copy_was_read_again() {
    let damaged = end(&JobRun { verified: read(10, None, 1), ..whole(10) }, Some(&end(&whole(5), None)));
    assert_eq!(
        (damaged.outcome, damaged.damaged_since, damaged.proof.clone()),
        (JobOutcome::Damaged, Some(at(10)), None)
    );
    let only = JobRun { transferred: copied(false, 0), ..run(JobWork::Transfer) };
    let copied_since = end(&only, Some(&damaged));
    assert_eq!((copied_since.outcome, copied_since.damaged_since), (JobOutcome::Copied, Some(at(10))));
    let part = JobRun { verified: read(20, Some((1, 2)), 0), ..whole(20) };
    let part = end(&part, Some(&copied_since));
    assert_eq!((part.damaged_since, part.proof.clone()), (Some(at(10)), None), "half of it was read");
    let rest = JobRun { verified: read(30, Some((2, 2)), 0), ..whole(30) };
    let rest = end(&rest, Some(&part));
    assert_eq!((rest.damaged_since, rest.proof.map(|proof| proof.since)), (None, Some(at(20))));
}

#[test]
fn r10_a_kind_that_proves_nothing_is_copied_at_best_and_misses_no_proof() {
    let mut found = read(5, None, 0);
    "none".clone_into(&mut found.as_mut().unwrap().evidence.method);
    let checked = JobRun { transferred: copied(true, 0), verified: found, ..run(JobWork::TransferAndProve) };
    let ended = end(&checked, None);
    assert_eq!((ended.outcome, ended.proof.is_none(), ended.proves_nothing), (JobOutcome::Copied, true, true));
}

#[test]
fn what_the_kind_remembers_is_of_the_last_operation_that_said_something() {
    let first = end(&whole(5), None);
    assert_eq!(first.state.as_deref(), Some("1"));
    let proof_only = JobRun { verified: read(9, None, 0), ..run(JobWork::Prove) };
    assert_eq!(end(&proof_only, Some(&first)).state.as_deref(), Some("1"));
}
