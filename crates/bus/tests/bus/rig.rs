//! A log in a folder of its own, and a stage that does what a test tells it to.

use std::fmt::Debug;
use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use strongroom_bus::{
    BatchLimits, Delivery, Done, Failure, Fate, Idle, Pace, Pipeline, RetryPolicy, Settle, Stage, StageContext, Task,
    TaskOutcome, Wiring,
};
use strongroom_eventlog::EventLog;
use strongroom_model::alarm::Alarm;
use strongroom_model::booking::{Booking, Phase};
use strongroom_model::event::{AlarmKey, AlarmKind, AlarmRaised};
use strongroom_model::fold::fold;
use strongroom_model::presence::Sign;
use strongroom_model::{
    Actor, BookingId, DriveId, Event, Expected, FailureKind, NewEvent, Recorded, StageName, StreamName,
};
use strongroom_service::Clock;
use strongroom_stage_rig::sample;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Long enough for the slowest machine; a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const PATH: &str = "site/2026-11/data/1/a.pdf";

/// A log and a clock.
pub(crate) struct Rig {
    pub(crate) dir: TempDir,
    pub(crate) log: EventLog,
    pub(crate) clock: Clock,
}

/// Waits until it is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: impl Debug, mut so: impl FnMut() -> F) {
    let waited = timeout(PATIENCE, async {
        while !so().await {
            sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain: {what:?}"));
}

pub(crate) fn id(text: &str) -> BookingId {
    text.parse().unwrap()
}

pub(crate) async fn open(path: &Path) -> EventLog {
    EventLog::open_sqlite(&path.join("log.db"), &"site".parse().unwrap()).await.unwrap()
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let log = open(dir.path()).await;
        Self { dir, log, clock: Clock::manual("2026-11-20T23:00:00Z".parse().unwrap()) }
    }

    pub(crate) async fn with(ids: &[BookingId]) -> Self {
        let rig = Self::new().await;
        rig.enumerate(ids).await;
        rig
    }

    /// Fast, without retries to wait for, and with tokens of its own.
    pub(crate) fn wiring(&self) -> Wiring {
        Wiring {
            log: self.log.clone(),
            delivery: Delivery::InProcess,
            clock: self.clock.clone(),
            retry: RetryPolicy { delays: vec![Duration::from_secs(10)], max_attempts: 3, ..RetryPolicy::default() },
            pace: Pace {
                poll: Duration::from_millis(10),
                rescan: Duration::from_millis(100),
                linger: Duration::from_millis(5),
                readiness: Duration::from_millis(20),
                pause_min: Duration::from_millis(5),
                pause_max: Duration::from_millis(50),
                trial_timeout: Duration::from_millis(100),
                backoff_min: Duration::from_millis(5),
                backoff_max: Duration::from_millis(50),
            },
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
        }
    }

    pub(crate) fn context(&self, stage: StageName) -> StageContext {
        let Wiring { log, clock, retry, .. } = self.wiring();
        StageContext { log, clock, actor: actor(stage), stage, retry }
    }

    /// Claims bookings for a run: what enumerate would have appended.
    pub(crate) async fn enumerate(&self, ids: &[BookingId]) {
        let events =
            ids.iter().map(|id| self.new_event(StreamName::booking(id), Expected::New, enumerated())).collect();
        self.log.append(events).await.unwrap();
    }

    pub(crate) fn new_event(&self, stream: StreamName, expected: Expected, event: Event) -> NewEvent {
        NewEvent::new(stream, expected, self.clock.now(), "test".parse().unwrap(), event)
    }

    /// The only process of that host gives a sign of life, perhaps its last one.
    pub(crate) async fn sign(&self, host: &str, has_ended: bool) {
        let sign = Sign {
            actor: format!("fetch@{host}").parse().unwrap(),
            pid: 1,
            version: "0".to_owned(),
            since: self.clock.now(),
            every_s: 3600,
            has_ended,
            cannot_record: None,
            parts: Vec::new(),
        };
        self.log.give_sign(drive().0, &sign).await.unwrap();
    }

    /// Starts a pipeline with that one stage.
    pub(crate) fn start(&self, wiring: &Wiring, stage: &Fake) -> Pipeline {
        let mut pipeline = Pipeline::new(wiring.clone());
        pipeline.spawn(stage.clone(), actor(stage.name));
        pipeline
    }

    pub(crate) async fn history(&self, id: &BookingId) -> Vec<Recorded> {
        self.log.stream(&StreamName::booking(id)).await.unwrap()
    }

    pub(crate) async fn booking(&self, id: &BookingId) -> Booking {
        fold(&self.history(id).await).unwrap()
    }

    pub(crate) async fn each_was_fetched_once(&self, ids: &[BookingId]) {
        for id in ids {
            assert_eq!(self.history(id).await.len(), 2, "{id}");
        }
    }

    /// What was in the way, or stopped it, burned no attempt.
    pub(crate) async fn each_was_fetched_at_the_first_attempt(&self, ids: &[BookingId]) {
        for id in ids {
            let booking = self.booking(id).await;
            assert_eq!((booking.phase, booking.failures), (Phase::Fetched, 0), "{id}");
        }
    }

    /// The task that a stage would get for this booking now.
    pub(crate) async fn task(&self, id: &BookingId) -> Task<Booking> {
        let history = self.history(id).await;
        let trigger = history.last().unwrap().clone();
        Task { stream: trigger.stream.clone(), version: trigger.version, state: fold(&history).unwrap(), trigger }
    }

    /// What has happened to an alarm, `true` for raised and `false` for cleared.
    pub(crate) async fn alarm(&self, obstacle: &AlarmRaised) -> Vec<bool> {
        let stream = StreamName::alarm(&AlarmKey::new(obstacle.kind, &obstacle.subject));
        let history = self.log.stream(&stream).await.unwrap();
        fold::<Alarm>(&history).unwrap();
        history.iter().map(|event| matches!(event.event, Event::AlarmRaised(_))).collect()
    }

    /// Ends a pipeline as a kill would: what is under way is lost.
    pub(crate) async fn kill(&self, wiring: &Wiring, pipeline: Pipeline) {
        wiring.abort.cancel();
        stop(wiring, pipeline).await;
    }
}

/// Waits until nothing is left to do for those of the pipeline's stages.
pub(crate) async fn settled(pipeline: &Pipeline, stages: &[StageName]) {
    let idle = timeout(PATIENCE, pipeline.idle(stages, PATIENCE)).await.unwrap();
    assert!(matches!(idle, Ok(Idle::NothingLeft)), "{idle:?}");
}

/// Lets a pipeline end what is under way.
pub(crate) async fn stop(wiring: &Wiring, pipeline: Pipeline) {
    wiring.stop.cancel();
    timeout(PATIENCE, pipeline.ended()).await.unwrap();
}

pub(crate) fn actor(stage: StageName) -> Actor {
    format!("{stage}@test").parse().unwrap()
}

pub(crate) fn ids(count: usize) -> Vec<BookingId> {
    (0..count).map(|n| id(&format!("B-{n}"))).collect()
}

pub(crate) fn obstacle() -> AlarmRaised {
    AlarmRaised {
        kind: AlarmKind::DriveMissing,
        subject: "drive".to_owned(),
        message: "the drive is not there".to_owned(),
        next_step: "plug it in".to_owned(),
    }
}

pub(crate) fn enumerated() -> Event {
    sample::enumerated("a.pdf", 11, sample::sha256(b"a timesheet"))
}

/// It came onto that drive.
pub(crate) fn fetched(drive: DriveId) -> Event {
    sample::fetched(drive, PATH, 11, &sample::sha256(b"a timesheet"))
}

/// The event that says that this stage's work is done.
pub(crate) fn done(stage: StageName) -> Event {
    match stage {
        StageName::Fetch => fetched(drive()),
        StageName::Verify => sample::backed_up(drive(), PATH, 11, &sample::sha256(b"a timesheet")),
        _ => sample::archived(PATH),
    }
}

/// The drive that everything is on, unless a test puts it elsewhere.
pub(crate) fn drive() -> DriveId {
    "0197c1f0-7c1e-4d3a-9b7e-2f1f0c5d8a11".parse().unwrap()
}

/// What a fake stage does with a task.
#[derive(Debug, Clone)]
pub(crate) enum Play {
    Settle(Box<TaskOutcome>),
    Panic,
    /// Returns without settling it.
    Leave,
    /// Never returns.
    Hang,
}

impl Play {
    pub(crate) fn done(stage: StageName) -> Self {
        Self::Settle(Box::new(TaskOutcome::Done(Done::event(done(stage)))))
    }

    pub(crate) fn fail(fate: Fate) -> Self {
        Self::Settle(Box::new(TaskOutcome::Failed(Failure::new(FailureKind::CutShort, "it was cut", fate))))
    }

    pub(crate) fn obstructed() -> Self {
        Self::Settle(Box::new(TaskOutcome::Obstructed(obstacle())))
    }

    pub(crate) fn superseded() -> Self {
        Self::Settle(Box::new(TaskOutcome::Superseded))
    }
}

type Script = dyn Fn(&Task<Booking>) -> Play + Send + Sync;

/// A stage that follows a script.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) name: StageName,
    limits: BatchLimits,
    in_the_way: Arc<Mutex<Option<AlarmRaised>>>,
    script: Arc<Script>,
    /// The batches that it got.
    pub(crate) batches: Arc<Mutex<Vec<Vec<Task<Booking>>>>>,
    /// How many batches are under way, and how many were at most.
    pub(crate) busy: Arc<AtomicUsize>,
    pub(crate) busiest: Arc<AtomicUsize>,
    /// How long a batch takes.
    takes: Duration,
    /// Whose work it can do, if it is verify.
    pub(crate) drive: Arc<Mutex<Option<DriveId>>>,
}

impl Fake {
    pub(crate) fn new(name: StageName, script: impl Fn(&Task<Booking>) -> Play + Send + Sync + 'static) -> Self {
        Self {
            name,
            limits: BatchLimits { tasks: 8, batches: 2 },
            in_the_way: Arc::default(),
            script: Arc::new(script),
            batches: Arc::default(),
            busy: Arc::default(),
            busiest: Arc::default(),
            takes: Duration::ZERO,
            drive: Arc::new(Mutex::new(Some(drive()))),
        }
    }

    /// A stage that does its work.
    pub(crate) fn working(name: StageName) -> Self {
        Self::new(name, move |_| Play::done(name))
    }

    /// A stage that fetches what has failed to be fetched once.
    pub(crate) fn failing_once() -> Self {
        Self::new(StageName::Fetch, |task| match task.state.failures {
            0 => Play::fail(Fate::Retry),
            _ => Play::done(StageName::Fetch),
        })
    }

    pub(crate) fn limited(self, tasks: usize, batches: usize) -> Self {
        Self { limits: BatchLimits { tasks, batches }, ..self }
    }

    pub(crate) fn taking(self, millis: u64) -> Self {
        Self { takes: Duration::from_millis(millis), ..self }
    }

    pub(crate) fn block(&self, obstacle: Option<AlarmRaised>) {
        *self.in_the_way.lock().unwrap() = obstacle;
    }

    /// How many tasks it was given, twice given ones counted twice.
    pub(crate) fn given(&self) -> usize {
        self.batches.lock().unwrap().iter().map(Vec::len).sum()
    }

    pub(crate) fn calls(&self) -> usize {
        self.batches.lock().unwrap().len()
    }
}

impl Stage for Fake {
    type State = Booking;

    fn name(&self) -> StageName {
        self.name
    }

    fn limits(&self) -> BatchLimits {
        self.limits
    }

    async fn ready(&self) -> Result<(), AlarmRaised> {
        self.in_the_way.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    fn partition(&self) -> Option<strongroom_model::Partition> {
        self.drive.lock().unwrap().map(Into::into)
    }

    async fn handle(&self, tasks: Vec<Task<Booking>>, settle: &Settle<Booking>) {
        self.batches.lock().unwrap().push(tasks.clone());
        let busy = self.busy.fetch_add(1, Ordering::SeqCst) + 1;
        self.busiest.fetch_max(busy, Ordering::SeqCst);
        if !self.takes.is_zero() {
            sleep(self.takes).await;
        }
        let mut outcomes = Vec::new();
        for task in tasks {
            match (self.script)(&task) {
                Play::Settle(outcome) => outcomes.push((task, *outcome)),
                Play::Panic => panic!("the script says so"),
                Play::Leave => {}
                Play::Hang => std::future::pending().await,
            }
        }
        settle.settle(outcomes).await;
        self.busy.fetch_sub(1, Ordering::SeqCst);
    }
}
