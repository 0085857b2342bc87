//! Samples of events of jobs, of their runs and of hosts.

use strongroom_model::event::{
    HostJoined, HostRetired, JobCancelRequested, JobCounts, JobDefined, JobDetail, JobEvidence, JobItem, JobOutcome,
    JobRetired, JobRunCancelled, JobRunDue, JobRunEnded, JobRunRequested, JobRunStarted, JobRunTransferred,
    JobRunVerified, JobSchedule, JobTool, JobTrigger, JobWork, WholeProof,
};
use strongroom_model::{ByteCount, Event, HostName, JobName, JobRunId};

use super::{at, digest};

pub(crate) fn name() -> JobName {
    "documents-to-nas".parse().unwrap()
}

pub(crate) fn host() -> HostName {
    "office-1".parse().unwrap()
}

pub(crate) fn run() -> JobRunId {
    "019a9f6e-0000-7000-8000-0000000000aa".parse().unwrap()
}

pub(crate) fn defined() -> Event {
    Event::JobDefined(JobDefined {
        digest: digest("settings"),
        host: host(),
        kind: "rsync".to_owned(),
        max_age_s: 172_800,
        max_delete: Some(100),
        plugin: Some(digest("plugin")),
        prove_every_s: Some(604_800),
        schedule: JobSchedule {
            between: Some("22:00-05:00".to_owned()),
            cron: Some("0 22 * * *".to_owned()),
            days: vec![1, 2, 3, 4, 5],
            every_s: None,
            zone: "Europe/Berlin".to_owned(),
        },
        target: Some("7a0c2f3e-8a57-4a0e-9a43-0b7a5c1d2e3f".parse().unwrap()),
        timeout_s: 43_200,
    })
}

fn defined_bare() -> Event {
    let schedule = JobSchedule { every_s: Some(3600), zone: "UTC".to_owned(), ..JobSchedule::default() };
    let Event::JobDefined(full) = defined() else { panic!("it is one") };
    Event::JobDefined(JobDefined {
        max_delete: None,
        plugin: None,
        prove_every_s: None,
        schedule,
        target: None,
        ..full
    })
}

pub(crate) fn due() -> Event {
    Event::JobRunDue(JobRunDue { run: run() })
}

pub(crate) fn cancel_requested() -> Event {
    Event::JobCancelRequested(JobCancelRequested { reason: "the link is needed".to_owned(), run: run() })
}

pub(crate) fn ended(outcome: JobOutcome) -> JobRunEnded {
    JobRunEnded {
        counts: counts(),
        damaged_since: None,
        detail: None,
        failures: 0,
        next_step: None,
        outcome,
        parts: vec![],
        proof: None,
        proven_at: None,
        proves_nothing: false,
        run: run(),
        sentence: "2 files copied.".to_owned(),
        state: None,
    }
}

fn counts() -> JobCounts {
    JobCounts { copied: 2, deleted: 1, extra: 0, failed: 0, mismatched: 0, proven: 0, seen: 12_431, skipped: 12_429 }
}

pub(crate) fn requested(work: JobWork) -> Event {
    Event::JobRunRequested(JobRunRequested {
        due: Some(at(0)),
        host: host(),
        job: name(),
        trigger: JobTrigger::Schedule,
        work,
    })
}

pub(crate) fn started() -> Event {
    Event::JobRunStarted(JobRunStarted {
        digest: digest("settings"),
        host: host(),
        kind: "rsync".to_owned(),
        plugin: Some(digest("plugin")),
    })
}

fn detail() -> JobDetail {
    JobDetail {
        path: "jobs/documents-to-nas/019a9f6e-0000-7000-8000-0000000000aa.transfer.log".to_owned(),
        sha256: digest("log"),
        size_bytes: ByteCount(4_211),
        truncated: true,
    }
}

fn item() -> JobItem {
    JobItem {
        code: Some("32".to_owned()),
        message: Some("in use".to_owned()),
        outcome: "failed".to_owned(),
        path: "Zeiten/M\u{fffd}ller.xlsx".to_owned(),
        path_b64: Some("WmVpdGVuL03/bGxlci54bHN4".to_owned()),
    }
}

fn tool() -> JobTool {
    JobTool { exit_code: Some(0), name: "rsync".to_owned(), version: Some("3.5.0".to_owned()) }
}

pub(crate) fn transferred(prove: bool, failed: u64) -> JobRunTransferred {
    JobRunTransferred {
        bytes: ByteCount(412_000),
        counts: JobCounts { failed, ..counts() },
        detail: None,
        host: host(),
        items: vec![],
        items_total: failed,
        next_step: None,
        prove,
        sentence: "2 files copied.".to_owned(),
        state: None,
        tool: None,
    }
}

fn evidence() -> JobEvidence {
    JobEvidence {
        bytes: ByteCount(412_000_000),
        coverage: Some("every file was read within 30 days".to_owned()),
        files: 12_431,
        method: "sha256".to_owned(),
        of: Some(30),
        part: Some(3),
        read_back: Some("device".to_owned()),
    }
}

pub(crate) fn verified(mismatched: u64) -> JobRunVerified {
    JobRunVerified {
        began_at: at(0),
        counts: JobCounts { proven: 12_431, mismatched, ..JobCounts::default() },
        detail: None,
        evidence: JobEvidence { coverage: None, of: None, part: None, read_back: None, ..evidence() },
        items: vec![],
        items_total: mismatched,
        next_step: None,
        sentence: "All 12,431 files were read and are right.".to_owned(),
        state: None,
        tool: None,
    }
}

pub(crate) fn cancelled() -> Event {
    Event::JobRunCancelled(JobRunCancelled { reason: "the link is needed".to_owned() })
}

/// Each with every field set.
pub(super) fn full() -> Vec<Event> {
    let state = Some("{\"part\":3}".to_owned());
    let next_step = Some("close the file, and run the job again".to_owned());
    vec![
        Event::HostJoined(HostJoined {
            os: "linux".to_owned(),
            system: "office-1.example".to_owned(),
            version: "0.1.0".to_owned(),
            zone: "Europe/Berlin".to_owned(),
        }),
        Event::HostRetired(HostRetired { reason: "it was sold".to_owned() }),
        defined(),
        Event::JobRetired(JobRetired { reason: "it is not configured any more".to_owned() }),
        due(),
        cancel_requested(),
        Event::JobRunEnded(JobRunEnded {
            damaged_since: Some(at(-30)),
            detail: Some(detail()),
            failures: 2,
            next_step: next_step.clone(),
            parts: vec![Some(at(-600)), None],
            proof: Some(WholeProof { since: at(-600), evidence: evidence() }),
            proven_at: Some(at(-10)),
            proves_nothing: true,
            state: state.clone(),
            ..ended(JobOutcome::Partial)
        }),
        requested(JobWork::TransferAndProve),
        started(),
        Event::JobRunTransferred(JobRunTransferred {
            detail: Some(detail()),
            items: vec![item()],
            next_step: next_step.clone(),
            state: state.clone(),
            tool: Some(tool()),
            ..transferred(true, 1)
        }),
        Event::JobRunVerified(JobRunVerified {
            detail: Some(detail()),
            evidence: evidence(),
            items: vec![item()],
            next_step,
            state,
            tool: Some(tool()),
            ..verified(1)
        }),
        cancelled(),
    ]
}

/// Those that have optional fields, without them.
pub(super) fn bare() -> Vec<Event> {
    vec![
        defined_bare(),
        Event::JobRunEnded(ended(JobOutcome::Copied)),
        Event::JobRunRequested(JobRunRequested {
            due: None,
            host: host(),
            job: name(),
            trigger: JobTrigger::Person,
            work: JobWork::Prove,
        }),
        Event::JobRunStarted(JobRunStarted {
            digest: digest("settings"),
            host: host(),
            kind: "rsync".to_owned(),
            plugin: None,
        }),
        Event::JobRunTransferred(transferred(false, 0)),
        Event::JobRunVerified(verified(0)),
    ]
}
