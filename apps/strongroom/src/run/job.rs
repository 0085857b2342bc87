//! The job: a process with all roles, and what drives its runs.

use std::sync::Arc;
use std::time::Duration;

use strongroom_audit::{causes, raised_alarms};
use strongroom_bus::Idle;
use strongroom_eventlog::LogError;
use strongroom_model::{Actor, BookingCounts, Position, StageName, SubjectKind};
use strongroom_service::actor;
use strongroom_service::actor::actor_named;
use tokio::time::Instant;

use crate::cli_error::CliError;
use crate::process::{Process, ProcessOptions, aborted};
use crate::run::outcome::RunOutcome;
use crate::run::right::RunRight;
use crate::run::show::Show;
use crate::run::tally::Tally;
use crate::run::watch::TallyWatch;
use crate::site;

/// Whether files can be written to it.
#[derive(Debug)]
pub(crate) enum DriveFound {
    NotYet,
    Unusable,
    Usable,
}

pub(crate) struct Job {
    pub(crate) process: Process,
    pub(crate) actor: Actor,
    watch: TallyWatch,
    show: Show,
    started: Instant,
    right: Arc<RunRight>,
}

impl Job {
    pub(crate) async fn open(options: ProcessOptions<'_>, show: Show, right: RunRight) -> Result<Self, CliError> {
        let mut process = Process::open(options).await?;
        let log = &process.log;
        let from = Position(log.head().await?.size);
        let left = BookingCounts::of(log.counts(SubjectKind::Booking).await?);
        let watch = TallyWatch::start(log, from, Tally::after(left), show.clone());
        watch.measure(process.start_all().await?);
        Ok(Self { process, actor: actor_named("run"), watch, show, started: Instant::now(), right: Arc::new(right) })
    }

    /// Nothing is claimed before files can be written to the drive.
    pub(crate) fn drive(&self) -> DriveFound {
        let stages = self.process.pipeline.progress();
        if !stages.iter().all(|stage| stage.readiness_known) {
            return DriveFound::NotYet;
        }
        // Enumerate waits for fetch, and fetch for verify: so it waits for any obstacle.
        let enumerate = stages.into_iter().filter(|stage| stage.stage == StageName::Enumerate);
        let mut obstacles = enumerate.filter_map(|stage| stage.paused).map(|paused| paused.obstacle);
        if obstacles.any(|obstacle| obstacle.kind.is_of_one_host()) { DriveFound::Unusable } else { DriveFound::Usable }
    }

    /// Waits until the work cannot go on: another process may run the site, the log was replaced, or all is aborted.
    pub(crate) fn lost(&self) -> impl Future<Output = CliError> + use<> {
        let (right, rewound) = (self.right.clone(), self.process.rewound());
        let aborted = aborted(&self.process.shutdown);
        async move {
            tokio::select! {
                error = right.lost() => error,
                error = rewound => error,
                () = aborted => CliError::given_up(),
            }
        }
    }

    /// Waits until every copy that only a damaged manifest lists was read back, or until the shutdown.
    pub(crate) async fn salvaged(&self) {
        let salvaged = self.process.verify().salvaged();
        let _ = self.process.shutdown.stop().run_until_cancelled(salvaged).await;
    }

    pub(crate) async fn left(&self) -> Result<u64, LogError> {
        let head = self.process.log.head().await?;
        Ok(self.watch.left_at(Position(head.size)).await)
    }

    pub(crate) async fn idle(&self, stages: &[StageName], patience: Duration) -> Result<Idle, LogError> {
        self.process.pipeline.idle(stages, patience).await
    }

    /// Whether a mail is due of which no attempt has ended yet.
    pub(crate) async fn is_being_told(&self) -> Result<bool, LogError> {
        Ok(!self.process.log.pending(StageName::Notify, Position(0), 1).await?.is_empty())
    }

    pub(crate) fn full_disk(&self) -> Option<CliError> {
        let found = self.process.log.unwritable()?.borrow().clone().filter(|found| found.is_disk_full)?;
        Some(site::unwritable(&found, &self.process.config.log_path()))
    }

    pub(crate) fn unwritable(&self, patience: Duration) -> impl Future<Output = CliError> + use<> {
        let (unwritable, place) = (self.process.log.unwritable(), self.process.config.log_path());
        async move {
            let Some(mut unwritable) = unwritable else { return std::future::pending().await };
            loop {
                let found = unwritable.borrow_and_update().clone();
                let left = found.as_ref().map(|found| patience.saturating_sub(found.since.elapsed()));
                match (found, left) {
                    (Some(found), Some(Duration::ZERO)) => return site::unwritable(&found, &place),
                    (_, left) => {
                        let change = unwritable.changed();
                        let _ = tokio::time::timeout(left.unwrap_or(Duration::MAX), change).await;
                    }
                }
            }
        }
    }

    /// Fixes the next summary in the log; notify sends it.
    pub(crate) async fn compose(&self, title: &str) -> Result<(), CliError> {
        let actor = actor(StageName::Notify);
        strongroom_notify::compose(&self.process.log, title, &self.process.clock, &actor).await?;
        Ok(())
    }

    /// Adds what the log says of it.
    pub(crate) async fn ending(&self, outcome: RunOutcome) -> Result<RunOutcome, CliError> {
        let log = &self.process.log;
        let head = log.head().await?;
        Ok(RunOutcome {
            tally: self.watch.tally_at(Position(head.size)).await,
            elapsed: self.started.elapsed(),
            causes: causes(log).await?,
            alarms: raised_alarms(log).await?,
            ..outcome
        })
    }

    pub(crate) async fn close<T>(self, done: Result<T, CliError>) -> Result<T, CliError> {
        let done = self.process.close(done).await;
        self.show.finish();
        done
    }
}
