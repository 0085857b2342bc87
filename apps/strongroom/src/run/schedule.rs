//! Keeps the schedule: runs when they are due, summaries when they are due, an alarm when a
//! run is overdue.

use std::time::Duration;

use jiff::Timestamp;
use strongroom_bus::Idle;
use strongroom_model::AlarmKind;
use strongroom_model::Position;
use strongroom_model::event::{AlarmKey, AlarmRaised, Trigger};
use strongroom_service::Schedule;
use strongroom_service::config::SummaryMode;

use crate::run::job::{Job, LOOK_EVERY, WORK};
use crate::run::{due, request};
use crate::trouble::Trouble;

/// How often the clock is looked at: it may be set, and the host may have slept.
const TICK: Duration = Duration::from_secs(1);

/// How often in a row a turn may fail: five minutes of a full or busy disk. After that it is for
/// whoever starts us again.
const MOST_FAILURES: u32 = 60;
/// How long it is left alone after it failed.
const TROUBLE_PAUSE: Duration = Duration::from_secs(5);

/// The subject of the alarm about runs: there is one schedule.
const SUBJECT: &str = "schedule";

/// What is known between two ticks.
struct Keeper {
    schedule: Schedule,
    grace: Duration,
    /// When the last run was asked for.
    last_run: Option<Timestamp>,
    /// Whether the last run's end is still to be noticed.
    running: bool,
    /// When the last summary was composed, or from when on the next one counts.
    last_summary: Timestamp,
    /// How long the log was at the last tick, and since when.
    moved: (u64, Timestamp),
}

/// How a tick found the work.
enum Work {
    /// Nothing is left to do now; some may wait for a retry.
    Settled,
    /// Something is under way.
    Busy,
    /// Something is in the way, which an alarm says.
    Paused,
    /// The stages have ended.
    Ended,
}

/// Keeps the schedule until it is told to stop. Trouble with the log may pass; it is borne for
/// a while.
pub(crate) async fn keep(job: &mut Job) -> Result<(), Trouble> {
    let given_up = job.given_up();
    tokio::select! {
        kept = turns(job) => kept,
        () = given_up => Err(Trouble::given_up()),
    }
}

async fn turns(job: &mut Job) -> Result<(), Trouble> {
    let mut keeper = Keeper::new(job).await?;
    keeper.look_back(job).await?;
    let mut failures = 0;
    while !job.shutdown.is_requested() {
        let rest = match keeper.turn(job).await {
            Ok(rest) => {
                failures = 0;
                rest
            }
            Err(trouble) if failures < MOST_FAILURES && !trouble.is_final() => {
                failures += 1;
                tracing::warn!("{}: trying again", trouble.sentence());
                TROUBLE_PAUSE
            }
            Err(trouble) => return Err(trouble),
        };
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = job.shutdown.stop().cancelled_owned() => {}
        }
    }
    Ok(())
}

/// Looks at the drive, and at the work for one tick's time.
async fn look(job: &mut Job) -> Result<Work, Trouble> {
    if job.begin().await?.is_some() {
        tokio::time::sleep(LOOK_EVERY).await;
        return Ok(Work::Paused);
    }
    match tokio::time::timeout(TICK, job.idle(&WORK, Duration::ZERO)).await {
        Err(_) => Ok(Work::Busy),
        Ok(Ok(Idle::Settled | Idle::RetriesLater { .. })) => Ok(Work::Settled),
        Ok(Ok(Idle::Paused(_))) => Ok(Work::Paused),
        Ok(Ok(Idle::Stopped)) => Ok(Work::Ended),
        Ok(Err(error)) => Err(error.into()),
    }
}

impl Keeper {
    async fn new(job: &Job) -> Result<Self, Trouble> {
        let now = job.clock.now();
        let log = &job.log;
        let size = log.head().await?.size;
        let first = log.read(Position(0), 1).await?.first().map(strongroom_eventlog::Stored::decode).transpose()?;
        let began = first.map_or(now, |recorded| recorded.time);
        let last_summary = strongroom_notify::last_composed(log).await?.map_or(began, |(_, at)| at);
        let last_run = request::newest(log).await?.map(|(at, _)| at);
        Ok(Self {
            schedule: job.config.schedule(),
            grace: job.config.schedule.grace.get(),
            last_run,
            running: false,
            last_summary,
            moved: (size, now),
        })
    }

    /// R8: runs that did not happen while no process was up are told of. Only where the
    /// schedule was kept by this program before: cron's runs have cron's schedule.
    async fn look_back(&self, job: &Job) -> Result<(), Trouble> {
        let Some((last, Trigger::Schedule)) = request::newest(&job.log).await? else { return Ok(()) };
        let now = job.clock.now();
        if let Some(why) = due::overdue(&self.schedule, last, last, now, self.grace) {
            raise(job, why, "find out why strongroom was not running; runs go on from now").await?;
        }
        Ok(())
    }

    /// One look at everything; returns how long nothing is to be done.
    async fn turn(&mut self, job: &mut Job) -> Result<Duration, Trouble> {
        let work = look(job).await?;
        if matches!(work, Work::Ended) && !job.shutdown.is_requested() {
            return Err(Trouble::new("a stage has ended by itself")
                .next_step("start it again, and report what it said above")
                .finally());
        }
        self.tick(job, &work).await?;
        Ok(if matches!(work, Work::Busy) { Duration::ZERO } else { self.rest(job) })
    }

    async fn tick(&mut self, job: &Job, work: &Work) -> Result<(), Trouble> {
        let now = job.clock.now();
        let size = job.log.head().await?.size;
        if size != self.moved.0 || now < self.moved.1 {
            self.moved = (size, now);
        }
        let settled = matches!(work, Work::Settled);
        if settled && self.running {
            self.run_ended(job, now).await?;
        }
        self.summarise(job, now, settled).await?;
        if settled && self.schedule.next_run(self.last_run, now) <= now {
            job.request(Trigger::Schedule).await?;
            self.last_run = Some(now);
            self.running = true;
        } else if matches!(work, Work::Busy) {
            self.watch_over(job, now).await?;
        }
        Ok(())
    }

    async fn run_ended(&mut self, job: &Job, now: Timestamp) -> Result<(), Trouble> {
        self.running = false;
        let key = AlarmKey::new(AlarmKind::RunOverdue, SUBJECT);
        job.alarms.clear(&key, "runs happen again", None).await?;
        if job.config.mail.summary == SummaryMode::Run {
            self.compose(job, &due::run_title(&self.schedule, now), now).await?;
        }
        Ok(())
    }

    async fn summarise(&mut self, job: &Job, now: Timestamp, settled: bool) -> Result<(), Trouble> {
        // A clock that was set back must not make the last summary lie in the future for days.
        self.last_summary = self.last_summary.min(now);
        let mail = &job.config.mail;
        let due = due::summary(mail.summary, mail.at, &self.schedule, self.last_summary, now, settled, self.grace);
        if let Some(title) = due {
            self.compose(job, &title, now).await?;
        }
        Ok(())
    }

    async fn compose(&mut self, job: &Job, title: &str, now: Timestamp) -> Result<(), Trouble> {
        job.compose(title).await?;
        self.last_summary = now;
        Ok(())
    }

    /// A run that neither ends nor moves is told of. What is in its way, where something is,
    /// has an alarm of its own.
    async fn watch_over(&self, job: &Job, now: Timestamp) -> Result<(), Trouble> {
        let Some(last) = self.last_run else { return Ok(()) };
        if let Some(why) = due::overdue(&self.schedule, last, self.moved.1, now, self.grace) {
            raise(job, why, "look at what strongroom says on stderr; `strongroom doctor` tries every part").await?;
        }
        Ok(())
    }

    /// How long nothing is to be done: until the next run, but never longer than a tick.
    fn rest(&self, job: &Job) -> Duration {
        let now = job.clock.now();
        let next = self.schedule.next_run(self.last_run, now);
        Duration::try_from(next.duration_since(now)).unwrap_or_default().min(TICK)
    }
}

async fn raise(job: &Job, message: String, next_step: &str) -> Result<(), Trouble> {
    let alarm = AlarmRaised {
        kind: AlarmKind::RunOverdue,
        subject: SUBJECT.to_owned(),
        message,
        next_step: next_step.to_owned(),
    };
    job.alarms.raise(&alarm, None).await?;
    Ok(())
}
