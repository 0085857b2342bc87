//! Which alarms are due, for what is seen.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use strongroom_audit::HostSeen;
use strongroom_model::event::{
    ClearedBy, Failed, JobCounts, JobDefined, JobEvidence, JobOutcome, JobRunEnded, JobSchedule, WholeProof,
};
use strongroom_model::job::Job;
use strongroom_model::{AlarmKind, Algorithm, ByteCount, Digest, FailureKind, JobRunId, StageName};
use strongroom_monitor::judge::KINDS;
use strongroom_monitor::{DriveSeen, Expectations, JobSeen, Seen, due};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const NOW: &str = "2026-11-21T08:00:00Z";

fn expected() -> Expectations {
    Expectations {
        grace: Duration::from_secs(1800),
        host_silent_after: Duration::from_secs(3600),
        evidence_fresh_for: Duration::from_secs(90 * 86_400),
        zone: TimeZone::UTC,
    }
}

fn run() -> JobRunId {
    "00000000-0000-7000-8000-000000000001".parse().unwrap()
}

fn ended(outcome: JobOutcome) -> JobRunEnded {
    let evidence = JobEvidence {
        bytes: ByteCount(7),
        coverage: None,
        files: 2,
        method: "sha256".to_owned(),
        of: None,
        part: None,
        read_back: None,
    };
    JobRunEnded {
        counts: JobCounts::default(),
        damaged_since: None,
        detail: None,
        failures: 0,
        next_step: None,
        outcome,
        parts: Vec::new(),
        proof: Some(WholeProof { evidence, since: at("2026-11-20T22:00:00Z") }),
        proven_at: Some(at("2026-11-20T22:00:00Z")),
        proves_nothing: false,
        run: run(),
        sentence: "2 files copied.".to_owned(),
        state: None,
    }
}

/// A job that is due each evening at ten, and was done.
fn job() -> Job {
    let schedule =
        JobSchedule { cron: Some("0 22 * * *".to_owned()), zone: "UTC".to_owned(), ..JobSchedule::default() };
    Job {
        defined: Some(JobDefined {
            digest: Digest::of(Algorithm::Sha256, b"settings"),
            host: "office-1".parse().unwrap(),
            kind: "rsync".to_owned(),
            max_age_s: 2 * 86_400,
            max_delete: None,
            plugin: None,
            prove_every_s: None,
            schedule,
            target: None,
            timeout_s: 3600,
        }),
        since: Some(at("2026-11-01T08:00:00Z")),
        last: Some((ended(JobOutcome::Proven), at("2026-11-20T22:10:00Z"))),
        requested_at: Some(at("2026-11-20T22:00:00Z")),
        ..Job::default()
    }
}

fn failed(kind: FailureKind) -> Failed {
    Failed {
        attempt: 1,
        digest: None,
        kind,
        message: "/mnt/disk/documents is in no target".to_owned(),
        next_step: None,
        quarantined: None,
        reached: Vec::new(),
        retry_at: Some(at("2026-11-21T08:05:00Z")),
        stage: StageName::Transfer,
    }
}

fn of_job(change: impl FnOnce(&mut JobSeen), now: &str) -> Vec<String> {
    let mut seen = JobSeen { name: "documents".parse().unwrap(), job: job(), failure: None };
    change(&mut seen);
    messages(&Seen { jobs: vec![seen], ..Seen::default() }, now)
}

fn messages(seen: &Seen, now: &str) -> Vec<String> {
    due(seen, &expected(), at(now))
        .into_iter()
        .map(|alarm| format!("{} {}: {}; next: {}", alarm.kind.code(), alarm.subject, alarm.message, alarm.next_step))
        .collect()
}

fn last(seen: &mut JobSeen) -> &mut JobRunEnded {
    &mut seen.job.last.as_mut().unwrap().0
}

#[test]
fn a_job_that_is_well_raises_nothing() {
    assert_eq!(of_job(|_| {}, NOW), [""; 0]);
    assert_eq!(of_job(|seen| last(seen).outcome = JobOutcome::Copied, NOW), [""; 0], "amber is no alarm");
    assert_eq!(of_job(|seen| last(seen).outcome = JobOutcome::Cancelled, NOW), [""; 0], "a person knows");
}

#[test]
fn r8_each_thing_that_should_have_been_is_an_alarm_with_its_next_step() {
    let all = [
        of_job(|seen| last(seen).damaged_since = Some(at("2026-11-20T23:00:00Z")), NOW),
        of_job(|seen| last(seen).outcome = JobOutcome::Failed, NOW),
        of_job(|seen| last(seen).outcome = JobOutcome::Partial, NOW),
        of_job(
            |seen| (seen.job.open, seen.failure) = (Some((run(), at(NOW))), Some(failed(FailureKind::Obstructed))),
            NOW,
        ),
        of_job(|_| {}, "2026-11-21T23:00:00Z"),
        of_job(|seen| seen.job.open = Some((run(), at("2026-11-20T22:00:00Z"))), NOW),
        of_job(|seen| last(seen).proof = None, NOW),
        of_job(|seen| last(seen).proof.as_mut().unwrap().since = at("2026-11-18T22:00:00Z"), NOW),
    ];
    insta::assert_snapshot!(all.concat().join("\n"));
}

#[test]
fn a_retry_that_goes_on_by_itself_is_not_told_as_an_obstacle() {
    let retried = |seen: &mut JobSeen| {
        (seen.job.open, seen.failure) = (Some((run(), at(NOW))), Some(failed(FailureKind::ToolFailed)));
    };
    assert_eq!(of_job(retried, NOW), [""; 0]);
}

#[test]
fn a_silent_host_and_a_drive_that_is_due_are_named() {
    let host =
        |silent_for| HostSeen { name: "office-1".parse().unwrap(), silent_for, since: at("2026-11-01T08:00:00Z") };
    let drive = |read_at: &str| DriveSeen {
        id: "5f0c2f3e-8a57-4a0e-9a43-0b7a5c1d2e3f".parse().unwrap(),
        label: Some("Blue".to_owned()),
        read_at: at(read_at),
    };
    let seen = |hosts, drives| messages(&Seen { jobs: Vec::new(), hosts, drives }, NOW);
    let near = host(Some(SignedDuration::from_secs(20)));
    assert_eq!(seen(vec![near], vec![drive("2026-11-01T08:00:00Z")]), [""; 0]);
    let far = host(Some(SignedDuration::from_hours(26)));
    let all = seen(vec![far, host(None)], vec![drive("2026-01-01T08:00:00Z")]);
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn the_monitor_and_nobody_else_clears_what_it_raises() {
    let is_its = |kind: &AlarmKind| KINDS.contains(kind) || *kind == AlarmKind::MonitorSilent;
    for kind in AlarmKind::ALL {
        assert_eq!(kind.cleared_by() == ClearedBy::Monitor, is_its(kind), "{}", kind.code());
    }
}
