//! Random outcomes, kills and a clock that jumps, against a plain model: each booking
//! has exactly the life that the model says, and ends once.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use strongroom_bus::{Fate, Pipeline, RetryPolicy, Task, Wiring};
use strongroom_model::StageName;
use strongroom_model::booking::Booking;
use tokio::time::{sleep, timeout};

use crate::rig::{Fake, PATIENCE, Play, Rig, actor, ids, obstacle, until};

const STAGES: [StageName; 3] = [StageName::Fetch, StageName::Verify, StageName::Archive];
const BOOKINGS: usize = 6;
const ATTEMPTS: u32 = 4;
/// How many tasks get no outcome, at most: after that, things must come to an end.
const MISHAPS: u32 = 30;

/// What becomes of a task that is seen through: it depends on nothing but the log, so
/// that it is the same however often the task is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    Retry,
    Person,
    Panic,
}

fn roll(seed: u64, what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, what).hash(&mut hasher);
    hasher.finish() % 100
}

fn end(seed: u64, booking: &str, stage: StageName, failures: u32) -> End {
    match roll(seed, (booking, stage, failures)) {
        0..60 => End::Done,
        60..85 => End::Retry,
        85..95 => End::Panic,
        _ => End::Person,
    }
}

/// The plain model: the types of the events of one booking's whole life.
fn life(seed: u64, booking: &str) -> Vec<String> {
    let mut events = vec!["enumerated".to_owned()];
    let (mut at, mut failures) = (0, 0);
    while let Some(stage) = STAGES.get(at) {
        match end(seed, booking, *stage, failures) {
            End::Done => {
                events.push(["fetched", "backed-up", "archived"][at].to_owned());
                at += 1;
                // A fetched file is not yet proven: its failed attempts still count.
                if at != 1 {
                    failures = 0;
                }
            }
            ended => {
                failures += 1;
                let person = ended == End::Person || failures >= ATTEMPTS;
                events.push(format!("failed {stage} {failures}{}", if person { " for good" } else { "" }));
                if person {
                    break;
                }
                if *stage == StageName::Verify {
                    at = 0;
                }
            }
        }
    }
    events
}

/// What the log says of one booking's life, in the model's words.
async fn lived(rig: &Rig, booking: &strongroom_model::BookingId) -> Vec<String> {
    let history = rig.history(booking).await;
    let words = history.iter().map(|event| match event.event.failure() {
        Some(failed) => {
            let end = if failed.retry_at.is_none() { " for good" } else { "" };
            format!("failed {} {}{end}", failed.stage, failed.attempt)
        }
        None => event.event.type_name().split('.').nth(2).unwrap().to_owned(),
    });
    words.collect()
}

/// A stage that ends tasks as the model says, unless a mishap comes first.
fn fake(seed: u64, stage: StageName, calls: &Arc<AtomicU32>, mishaps: &Arc<AtomicU32>) -> Fake {
    let (calls, mishaps) = (calls.clone(), mishaps.clone());
    let script = move |task: &Task<Booking>| {
        let call = calls.fetch_add(1, Ordering::SeqCst);
        let mishap = match roll(seed, (call, "mishap")) {
            0..6 => Some(Play::obstructed()),
            6..12 => Some(Play::Leave),
            12..16 => Some(Play::superseded()),
            16..19 => Some(Play::Hang),
            _ => None,
        };
        if let Some(mishap) = mishap
            && mishaps.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        {
            return mishap;
        }
        match end(seed, task.stream.id(), stage, task.state.failures) {
            End::Done => Play::done(stage),
            End::Retry => Play::fail(Fate::Retry),
            End::Person => Play::fail(Fate::Person),
            End::Panic => Play::Panic,
        }
    };
    Fake::new(stage, script).limited(3, 2)
}

async fn ended(rig: &Rig, seed: u64) -> bool {
    for booking in ids(BOOKINGS) {
        if lived(rig, &booking).await.len() < life(seed, booking.as_str()).len() {
            return false;
        }
    }
    true
}

/// One life of the process: it is killed after a while, unless all is done before.
async fn live(rig: &Rig, seed: u64, life: u64, (calls, mishaps): (&Arc<AtomicU32>, &Arc<AtomicU32>)) -> bool {
    let mut wiring = Wiring {
        retry: RetryPolicy { delays: vec![Duration::from_secs(5)], max_attempts: ATTEMPTS, ..RetryPolicy::default() },
        ..rig.wiring()
    };
    wiring.pace.trial_timeout = Duration::from_millis(20);
    let mut pipeline = Pipeline::new(wiring.clone());
    for stage in STAGES {
        pipeline.spawn(fake(seed, stage, calls, mishaps), actor(stage));
    }
    let allowed = 20 + 4 * roll(seed, (life, "life"));
    let mut done = false;
    for tick in 0..allowed / 5 {
        sleep(Duration::from_millis(5)).await;
        match roll(seed, (life, tick, "clock")) {
            0..10 => rig.clock.set(rig.clock.now() - Duration::from_secs(86_400)),
            _ => rig.clock.advance(Duration::from_secs(3)),
        }
        done = ended(rig, seed).await;
        if done {
            break;
        }
    }
    rig.kill(&wiring, pipeline).await;
    done
}

async fn simulate(seed: u64) {
    let rig = Rig::new().await;
    rig.enumerate(&ids(BOOKINGS)).await;
    let counters = (Arc::default(), Arc::new(AtomicU32::new(MISHAPS)));
    let all = async {
        let mut lives = 0;
        while !live(&rig, seed, lives, (&counters.0, &counters.1)).await {
            lives += 1;
        }
    };
    timeout(PATIENCE, all).await.unwrap_or_else(|_| panic!("seed {seed} never ends"));
    for booking in ids(BOOKINGS) {
        assert_eq!(lived(&rig, &booking).await, life(seed, booking.as_str()), "{booking}, seed {seed}");
    }
    // Whatever was in the way is over, and its alarm, if there was one, ends.
    let wiring = rig.wiring();
    let mut pipeline = Pipeline::new(wiring.clone());
    for stage in STAGES {
        pipeline.spawn(Fake::working(stage), actor(stage));
    }
    until("alarms end", || async { rig.alarm(&obstacle()).await.last() != Some(&true) }).await;
    rig.kill(&wiring, pipeline).await;
    for (at, raised) in rig.alarm(&obstacle()).await.into_iter().enumerate() {
        assert_eq!(raised, at % 2 == 0, "raised and cleared in turn");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn every_booking_has_the_life_of_the_model_and_ends_once(seed: u64) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(simulate(seed));
    }
}
