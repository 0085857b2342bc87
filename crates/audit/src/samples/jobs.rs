//! Events of jobs, of their runs and of hosts.

use strongroom_model::event::{
    HostJoined, HostRetired, JobCancelRequested, JobCounts, JobDefined, JobDetail, JobEvidence, JobItem, JobOutcome,
    JobRetired, JobRunCancelled, JobRunDue, JobRunEnded, JobRunRequested, JobRunStarted, JobRunTransferred,
    JobRunVerified, JobSchedule, JobTool, JobTrigger, JobWork, WholeProof,
};
use strongroom_model::{ByteCount, Event, HostName, JobName, JobRunId, Recorded, StreamName};

use super::{fixed, recorded, sha256};

fn name() -> JobName {
    "documents-to-nas".parse().unwrap()
}

fn host() -> HostName {
    "office-1".parse().unwrap()
}

fn run() -> JobRunId {
    fixed(0xa1)
}

fn counts() -> JobCounts {
    JobCounts { copied: 2, failed: 1, seen: 12_431, skipped: 12_428, ..JobCounts::default() }
}

fn evidence() -> JobEvidence {
    JobEvidence {
        bytes: ByteCount(412_000_000),
        coverage: Some("every file was read within 30 days".to_owned()),
        files: 415,
        method: "sha256".to_owned(),
        of: Some(30),
        part: Some(3),
        read_back: Some("device".to_owned()),
    }
}

fn item() -> JobItem {
    JobItem {
        code: Some("32".to_owned()),
        message: Some("in use".to_owned()),
        outcome: "failed".to_owned(),
        path: "Zeiten/M\u{fc}ller.xlsx".to_owned(),
        path_b64: None,
    }
}

fn detail() -> Option<JobDetail> {
    Some(JobDetail {
        path: "jobs/documents-to-nas/run.log".to_owned(),
        sha256: sha256(),
        size_bytes: ByteCount(4_211),
        truncated: false,
    })
}

fn tool() -> Option<JobTool> {
    Some(JobTool { exit_code: Some(23), name: "rsync".to_owned(), version: Some("3.5.0".to_owned()) })
}

fn schedule() -> JobSchedule {
    JobSchedule { cron: Some("0 22 * * *".to_owned()), zone: "Europe/Berlin".to_owned(), ..JobSchedule::default() }
}

fn in_stream(stream: &StreamName, events: Vec<Event>) -> Vec<Recorded> {
    events.into_iter().zip(0..).map(|(event, version)| recorded(stream.clone(), version, event)).collect()
}

pub(super) fn hosts() -> Vec<Recorded> {
    let joined = HostJoined {
        os: "linux".to_owned(),
        system: "office-1.example".to_owned(),
        version: "0.1.0".to_owned(),
        zone: "Europe/Berlin".to_owned(),
    };
    let retired = HostRetired { reason: "it was sold.".to_owned() };
    in_stream(&StreamName::host(&host()), vec![Event::HostJoined(joined), Event::HostRetired(retired)])
}

pub(super) fn jobs() -> Vec<Recorded> {
    let defined = JobDefined {
        digest: sha256(),
        host: host(),
        kind: "rsync".to_owned(),
        max_age_s: 172_800,
        max_delete: Some(100),
        plugin: None,
        prove_every_s: None,
        schedule: schedule(),
        target: None,
        timeout_s: 43_200,
    };
    let ended = JobRunEnded {
        counts: counts(),
        damaged_since: None,
        detail: None,
        failures: 1,
        next_step: Some("close the file, and run the job again".to_owned()),
        outcome: JobOutcome::Partial,
        parts: Vec::new(),
        proof: Some(WholeProof { evidence: evidence(), since: "2026-10-21T23:00:00Z".parse().unwrap() }),
        proven_at: Some("2026-11-20T23:00:00Z".parse().unwrap()),
        proves_nothing: false,
        run: run(),
        sentence: "2 files copied; 1 file could not be copied.".to_owned(),
        state: None,
    };
    in_stream(
        &StreamName::job(&name()),
        vec![
            Event::JobDefined(defined),
            Event::JobRetired(JobRetired { reason: "it is not configured any more.".to_owned() }),
            Event::JobRunDue(JobRunDue { run: run() }),
            Event::JobCancelRequested(JobCancelRequested { reason: "the link is needed.".to_owned(), run: run() }),
            Event::JobRunEnded(ended),
        ],
    )
}

pub(super) fn jobruns() -> Vec<Recorded> {
    let requested = JobRunRequested {
        due: Some("2026-11-20T21:00:00Z".parse().unwrap()),
        host: host(),
        job: name(),
        trigger: JobTrigger::Schedule,
        work: JobWork::TransferAndProve,
    };
    let started = JobRunStarted { digest: sha256(), host: host(), kind: "rsync".to_owned(), plugin: None };
    let transferred = JobRunTransferred {
        bytes: ByteCount(412_000),
        counts: counts(),
        detail: detail(),
        host: host(),
        items: vec![item()],
        items_total: 1,
        next_step: None,
        prove: true,
        sentence: "2 files copied; 1 file could not be copied.".to_owned(),
        state: None,
        tool: tool(),
    };
    let verified = JobRunVerified {
        began_at: "2026-11-20T22:30:00Z".parse().unwrap(),
        counts: JobCounts { proven: 415, ..JobCounts::default() },
        detail: detail(),
        evidence: evidence(),
        items: Vec::new(),
        items_total: 0,
        next_step: None,
        sentence: "415 files were read and are right.".to_owned(),
        state: None,
        tool: tool(),
    };
    in_stream(
        &StreamName::jobrun(run()),
        vec![
            Event::JobRunRequested(requested),
            Event::JobRunStarted(started),
            Event::JobRunTransferred(transferred),
            Event::JobRunVerified(verified),
            Event::JobRunCancelled(JobRunCancelled { reason: "the link is needed.".to_owned() }),
        ],
    )
}
