//! A site with a thousand jobs: one look costs what has changed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use strongroom_model::event::{
    JobCounts, JobDefined, JobOutcome, JobRunDue, JobRunEnded, JobRunRequested, JobSchedule, JobTrigger, JobWork,
};
use strongroom_model::{
    Algorithm, Digest, Event, Expected, JobName, JobRunId, NewEvent, StreamName, SubjectKind, Version,
};
use strongroom_monitor::{Expectations, Monitor};
use strongroom_stage_rig::StageRig;

const JOBS: u32 = 1000;
const RUNS: u64 = 3;

fn name(n: u32) -> JobName {
    format!("job-{n:04}").parse().unwrap()
}

fn defined() -> Event {
    let schedule =
        JobSchedule { cron: Some("0 22 * * *".to_owned()), zone: "UTC".to_owned(), ..JobSchedule::default() };
    Event::JobDefined(JobDefined {
        digest: Digest::of(Algorithm::Sha256, b"settings"),
        host: "office-1".parse().unwrap(),
        kind: "rsync".to_owned(),
        max_age_s: 30 * 86_400,
        max_delete: None,
        plugin: None,
        prove_every_s: None,
        schedule,
        target: None,
        timeout_s: 3600,
    })
}

fn ended(run: JobRunId, outcome: JobOutcome) -> Event {
    Event::JobRunEnded(JobRunEnded {
        counts: JobCounts::default(),
        damaged_since: None,
        detail: None,
        failures: 0,
        next_step: None,
        outcome,
        parts: Vec::new(),
        proof: None,
        proven_at: None,
        proves_nothing: false,
        run,
        sentence: "2 files copied.".to_owned(),
        state: None,
    })
}

async fn fill(rig: &StageRig) {
    let now = rig.clock.now();
    let actor = "jobs@office-1".parse::<strongroom_model::Actor>().unwrap();
    for n in 0..JOBS {
        let stream = StreamName::job(&name(n));
        let new =
            |stream: &StreamName, expected, event| NewEvent::new(stream.clone(), expected, now, actor.clone(), event);
        let mut events = vec![new(&stream, Expected::New, defined())];
        for round in 0..RUNS {
            let run: JobRunId = format!("00000000-0000-7000-8000-{:012}", u64::from(n) * RUNS + round).parse().unwrap();
            let requested = JobRunRequested {
                due: None,
                host: "office-1".parse().unwrap(),
                job: name(n),
                trigger: JobTrigger::Schedule,
                work: JobWork::Transfer,
            };
            events.push(new(&StreamName::jobrun(run), Expected::New, Event::JobRunRequested(requested)));
            let version = Version(round * 2);
            events.push(new(&stream, Expected::After(version), Event::JobRunDue(JobRunDue { run })));
            let outcome = if n == 7 && round + 1 == RUNS { JobOutcome::Failed } else { JobOutcome::Copied };
            events.push(new(&stream, Expected::After(version.next()), ended(run, outcome)));
        }
        rig.log.append(events).await.unwrap();
    }
}

#[tokio::test]
async fn a_look_at_a_thousand_jobs_finds_the_one_that_failed() {
    let rig = StageRig::new().await;
    fill(&rig).await;
    let expected = Expectations {
        grace: Duration::from_secs(1800),
        host_silent_after: Duration::from_secs(3600),
        evidence_fresh_for: Duration::from_secs(90 * 86_400),
        zone: TimeZone::UTC,
    };
    let actor = "monitor@office-2".parse().unwrap();
    let silent = Duration::from_secs(3600);
    let mut monitor = Monitor::new(&rig.log, &rig.clock, actor, expected, silent, None);
    for look in ["the first look", "the next look"] {
        let began = Instant::now();
        monitor.look().await.unwrap();
        println!("{look} at {JOBS} jobs: {:?}", began.elapsed());
    }
    let raised = rig.log.newest(SubjectKind::Alarm, 10).await.unwrap();
    let raised: Vec<_> = raised.iter().map(|head| head.stream.id().to_owned()).collect();
    assert_eq!(raised, ["job-failed.job-0007"]);
}
