//! Two fetch workers and two verify workers on one drive: deliveries that come twice, late and out of order, workers that
//! are stopped in the middle, and a drive that gives back one read in fifty wrongly.
//!
//! Whatever happens: a booking that the log calls backed up has a good copy at the place that the log names, and
//! the manifest or its journal lists it. Each round of the model runs in a process of its own, for its faults.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use fastrand::Rng;
use strongroom_bus::{RetryPolicy, Settle, Stage, StageContext, Task};
use strongroom_fetch::{Fetch, FetchSettings};
use strongroom_model::booking::{Booking, Phase};
use strongroom_model::event::{FailureKind, Retried};
use strongroom_model::{ByteCount, Event, StageName};
use strongroom_source::testing::{Reply, ScriptedServer};
use tokio::task::JoinHandle;

use crate::rig::{PATIENCE, Rig, sha256};

/// The process that runs a model reads its seed here.
const SEED: &str = "STRONGROOM_TEST_SEED";
/// How many bookings there are in a model.
const BOOKINGS: usize = 24;
/// What the rig's records say of each file.
const SIZE_BYTES: usize = 1_000;
/// How often everything that is left to be done is delivered before somebody must have a look.
const MAX_ROUNDS: usize = 60;
/// One delivery of an earlier round comes again in so many.
const LATE_ONE_IN: usize = 4;
/// One worker is stopped in the middle of its work in so many.
const STOPPED_ONE_IN: usize = 6;

/// Runs the models of these seeds, each with every n-th read-back wrong.
fn hold(seeds: std::ops::Range<u64>, wrong_one_in: u32) {
    for seed in seeds {
        let ran = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "duplicates::child_model", "--ignored", "--nocapture"])
            .env("STRONGROOM_FAULT", format!("drive.read-back:/{wrong_one_in}=flip"))
            .env(SEED, seed.to_string())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success() && said.contains("1 passed"), "seed {seed}: {said}");
    }
}

#[test]
fn r3_whatever_is_delivered_twice_a_backed_up_booking_has_its_copy_where_the_log_says() {
    hold(0..3, 50);
    hold(100..103, 5);
}

#[test]
#[ignore = "the long form: many seeds (`cargo xtask faults`)"]
fn r3_a_backed_up_booking_has_its_copy_with_any_of_many_seeds() {
    hold(1000..1060, 50);
    hold(2000..2060, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "run by other tests, in a process with a fault"]
async fn child_model() {
    let mut rng = Rng::with_seed(std::env::var(SEED).unwrap().parse().unwrap());
    let rig = Rig::new().await;
    let files: BTreeMap<String, Vec<u8>> = (0..BOOKINGS).map(|n| (format!("B-{n}"), bytes(&mut rng))).collect();
    for (booking, bytes) in &files {
        rig.enumerate(booking, sha256(bytes)).await;
    }
    let mut model = Model { server: serve(files.clone()), late: Vec::new(), rig, files, rng };
    for _ in 0..MAX_ROUNDS {
        if model.round().await {
            return;
        }
    }
    panic!("not all is backed up after {MAX_ROUNDS} rounds");
}

fn bytes(rng: &mut Rng) -> Vec<u8> {
    (0..SIZE_BYTES).map(|_| rng.u8(..)).collect()
}

fn serve(files: BTreeMap<String, Vec<u8>>) -> ScriptedServer {
    ScriptedServer::new(move |request| {
        let id = request.target.trim_start_matches("/v1/bookings/").split(['/', '?']).next().unwrap();
        match files.get(id) {
            Some(file) => Reply::proper("200 OK", file),
            None => Reply::json(r#"{"bookings":[],"waiting":0}"#),
        }
    })
}

struct Model {
    rig: Rig,
    server: ScriptedServer,
    files: BTreeMap<String, Vec<u8>>,
    /// What was delivered in earlier rounds.
    late: Vec<Task<Booking>>,
    rng: Rng,
}

impl Model {
    /// Delivers all that is to be done, in a mess: whether nothing is left.
    async fn round(&mut self) -> bool {
        let mut open = Vec::new();
        for booking in self.files.keys() {
            self.give_back(booking).await;
            let task = self.rig.task(booking).await;
            if task.state.phase == Phase::BackedUp { self.stands(booking, &task.state) } else { open.push(task) }
        }
        if open.is_empty() {
            return true;
        }
        let workers: Vec<JoinHandle<()>> = (0..4).map(|number| self.start(number, &open)).collect();
        for worker in workers {
            if self.rng.usize(..STOPPED_ONE_IN) == 0 {
                tokio::time::sleep(Duration::from_micros(self.rng.u64(..20_000))).await;
                worker.abort();
            }
            // What it began on a thread of its own goes on, as a process does that is slow to die.
            let _ = tokio::time::timeout(PATIENCE, worker).await.expect("a worker ends");
        }
        self.late.append(&mut open);
        false
    }

    /// Starts one of two fetch workers or one of two verify workers, as a new process would.
    fn start(&mut self, number: usize, open: &[Task<Booking>]) -> JoinHandle<()> {
        let stage = if number < 2 { StageName::Fetch } else { StageName::Verify };
        let phase = if number < 2 { Phase::Enumerated } else { Phase::Fetched };
        let now = open.iter().filter(|task| task.state.phase == phase && self.rng.usize(..4) > 0);
        let mut tasks: Vec<_> = now.cloned().collect();
        let late = self.late.iter().filter(|task| task.state.phase == phase && self.rng.usize(..LATE_ONE_IN) == 0);
        for task in late {
            if tasks.iter().all(|other| other.stream != task.stream) {
                tasks.push(task.clone());
            }
        }
        self.rng.shuffle(&mut tasks);
        let settle = Settle::new(self.context(stage), &tasks);
        let pause = Duration::from_micros(self.rng.u64(..10_000));
        if stage == StageName::Fetch {
            tokio::spawn(work(self.fetch(), tasks, settle, pause))
        } else {
            tokio::spawn(work(self.rig.verify(), tasks, settle, pause))
        }
    }

    fn fetch(&self) -> Fetch {
        let settings = FetchSettings {
            site: "acme".parse().unwrap(),
            root: self.rig.root(),
            expect: None,
            reserve: ByteCount(0),
            concurrency: 4,
            batch: 64,
            zone: jiff::tz::TimeZone::UTC,
            bags: strongroom_drive::BagCache::default(),
        };
        Fetch::new(settings, self.server.source(), self.rig.clock.clone())
    }

    fn context(&self, stage: StageName) -> StageContext {
        StageContext {
            log: self.rig.log.clone(),
            clock: self.rig.clock.clone(),
            actor: "worker@test".parse().unwrap(),
            stage,
            retry: RetryPolicy::default(),
        }
    }

    /// A person gives back what needs one.
    async fn give_back(&self, booking: &str) {
        let state = self.rig.state(booking).await;
        if state.needs_attention() {
            let failed = state.failure.as_ref().unwrap();
            // A copy that is read back wrongly three times in a row counts as lost, though it is well.
            let expected =
                [FailureKind::DriveChanged, FailureKind::CopyMissing, FailureKind::DriveIo, FailureKind::CopyLost];
            assert!(expected.contains(&failed.kind), "{booking}: {failed:?}");
            self.rig
                .append(booking, Event::TimesheetRetried(Retried { stage: StageName::Enumerate, reason: None }))
                .await;
            self.rig.enumerate(booking, sha256(&self.files[booking])).await;
        }
    }

    /// A backed up booking has its copy.
    fn stands(&self, booking: &str, state: &Booking) {
        let proof = state.backed_up.as_ref().unwrap();
        let there = std::fs::read(self.rig.file(&proof.path));
        assert!(there.ok().as_ref() == Some(&self.files[booking]), "{booking}: {} is not its copy", proof.path);
        let line = format!("{}  {}", proof.sha256.hex(), proof.path.strip_prefix("acme/2026-11/").unwrap());
        assert!(self.rig.copies().contains(&line), "{line} is not listed");
    }
}

async fn work<S: Stage<State = Booking>>(
    stage: S,
    tasks: Vec<Task<Booking>>,
    settle: Settle<Booking>,
    pause: Duration,
) {
    tokio::time::sleep(pause).await;
    if stage.ready().await.is_ok() {
        stage.handle(tasks, &settle).await;
    }
}
