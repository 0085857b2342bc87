//! R5 on random histories, against the real server: whatever happened to copies, drives, bookings, clocks, settings and
//! workers, no file is deleted whose copies are not proven. What R5 allows is decided by a plain list of what happened.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use strongroom_bus::{Settle, Stage as _, StageContext};
use strongroom_model::event::{DriveHandedOver, DriveRetired, PurgeRequested, ReadBack, Retried};
use strongroom_model::purge::Purge;
use strongroom_model::{DriveId, Event, StageName, StreamName, Version};
use strongroom_purge::{PurgeSettings, Purger};
use strongroom_stage_rig::sample;

use crate::site::{Site, stream};

const BOOKINGS: [&str; 3] = ["B-0", "B-1", "B-2"];
const DRIVES: usize = 3;
/// What the server asks for by itself.
const SERVER_NEEDS: u32 = 2;
const SERVER_FRESH_DAYS: i64 = 90;

#[derive(Debug, Clone)]
enum Op {
    /// A copy is read back, or made.
    Prove {
        booking: usize,
        drive: usize,
        how: ReadBack,
    },
    Damage {
        booking: usize,
        drive: usize,
    },
    Lose {
        drive: usize,
    },
    Retire {
        drive: usize,
    },
    HandOver {
        drive: usize,
    },
    Return {
        drive: usize,
    },
    /// The record was corrected: taken anew, with the first content or another, onto that drive.
    Correct {
        booking: usize,
        drive: usize,
        other: bool,
    },
    /// The clock jumps.
    Jump {
        hours: i64,
    },
    Agree,
    /// The log was restored from an older copy; what that lost is not known.
    Restore,
    /// A worker with that configuration; it may be killed before it records what was deleted, or get the run twice.
    Run {
        needed: u32,
        fresh_days: i64,
        how: Worker,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worker {
    Well,
    Killed,
    Twice,
}

fn op() -> impl Strategy<Value = Op> {
    let (booking, drive) = (0..BOOKINGS.len(), 0..DRIVES);
    let how = prop_oneof![4 => Just(ReadBack::Direct), 1 => Just(ReadBack::CacheDropped), 1 => Just(ReadBack::Cached)];
    let worker = prop_oneof![2 => Just(Worker::Well), 1 => Just(Worker::Killed), 1 => Just(Worker::Twice)];
    prop_oneof![
        16 => (booking.clone(), drive.clone(), how).prop_map(|(booking, drive, how)| Op::Prove { booking, drive, how }),
        2 => (booking.clone(), drive.clone()).prop_map(|(booking, drive)| Op::Damage { booking, drive }),
        1 => drive.clone().prop_map(|drive| Op::Lose { drive }),
        1 => drive.clone().prop_map(|drive| Op::Retire { drive }),
        1 => drive.clone().prop_map(|drive| Op::HandOver { drive }),
        2 => drive.clone().prop_map(|drive| Op::Return { drive }),
        1 => (booking, drive, any::<bool>())
            .prop_map(|(booking, drive, other)| Op::Correct { booking, drive, other }),
        2 => prop_oneof![-48_i64..48, -1000_i64..2400].prop_map(|hours| Op::Jump { hours }),
        2 => Just(Op::Agree),
        1 => Just(Op::Restore),
        5 => (1..=3_u32, prop_oneof![Just(10_i64), Just(90), Just(400)], worker)
            .prop_map(|(needed, fresh_days, how)| Op::Run { needed, fresh_days, how }),
    ]
}

/// What happened, in order.
#[derive(Debug, Clone, PartialEq)]
enum Fact {
    Proven {
        booking: usize,
        drive: usize,
        other: bool,
        at: Timestamp,
        how: ReadBack,
    },
    Damaged {
        booking: usize,
        drive: usize,
        other: bool,
    },
    /// Lost or retired.
    Gone {
        drive: usize,
    },
    Back {
        drive: usize,
    },
    /// The log has forgotten what may have been found.
    Restored,
    /// The booking's content from then on.
    Archived {
        booking: usize,
        other: bool,
    },
}

/// The drives on which R5 counts a copy of what the booking is now: of its content, read from the device, fresh, not
/// found damaged since, on a drive that was in our hands ever since.
fn counted(facts: &[Fact], booking: usize, fresh: SignedDuration, now: Timestamp) -> usize {
    let is_now = facts.iter().rev().find_map(|fact| match fact {
        Fact::Archived { booking: its, other } if *its == booking => Some(*other),
        _ => None,
    });
    let Some(is_now) = is_now else { return 0 };
    let counts = |drive: &usize| {
        let of_drive = |fact: &&Fact| match fact {
            Fact::Gone { drive: its } | Fact::Back { drive: its } => its == drive,
            _ => false,
        };
        if matches!(facts.iter().rev().find(of_drive), Some(Fact::Gone { .. })) {
            return false;
        }
        // What was proven before the last loss, or before the return from it, says nothing.
        let gone = facts.iter().rposition(|fact| *fact == Fact::Gone { drive: *drive });
        let since = gone.map_or(0, |gone| {
            gone + facts[gone..].iter().position(|fact| *fact == Fact::Back { drive: *drive }).unwrap()
        });
        let restored = facts.iter().rposition(|fact| *fact == Fact::Restored).unwrap_or(0);
        let damaged = facts.iter().rposition(|fact| *fact == Fact::Damaged { booking, drive: *drive, other: is_now });
        facts[since.max(restored).max(damaged.unwrap_or(0))..].iter().any(|fact| match fact {
            Fact::Proven { booking: its, drive: on, other, at, how } => {
                *its == booking
                    && on == drive
                    && *other == is_now
                    && *how != ReadBack::Cached
                    && *at <= now
                    && now.duration_since(*at) <= fresh
            }
            _ => false,
        })
    };
    (0..DRIVES).filter(counts).count()
}

static DELETED: AtomicU64 = AtomicU64::new(0);
static KEPT: AtomicU64 = AtomicU64::new(0);

struct World {
    site: Site,
    drives: [DriveId; DRIVES],
    facts: Vec<Fact>,
    /// Each booking's content: the first or another.
    others: [bool; BOOKINGS.len()],
    purges: usize,
    agreed: Option<String>,
}

impl World {
    async fn new() -> Self {
        let site = Site::new(&BOOKINGS).await;
        let drives = [site.rig.drive, site.second, DriveId::random()];
        site.note_drive(drives[2], "blue 3").await;
        let (at, how) = (site.rig.clock.now(), ReadBack::Direct);
        let archived = |booking| {
            [Fact::Proven { booking, drive: 0, other: false, at, how }, Fact::Archived { booking, other: false }]
        };
        let facts = (0..BOOKINGS.len()).flat_map(archived).collect();
        Self { site, drives, facts, others: [false; BOOKINGS.len()], purges: 0, agreed: None }
    }

    fn content(&self, booking: usize) -> Vec<u8> {
        let mut content = BOOKINGS[booking].as_bytes().to_vec();
        content.extend(self.others[booking].then_some(b'!'));
        content
    }

    async fn drive_event(&self, drive: usize, event: Event) {
        self.site.rig.append_to(&StreamName::drive(self.drives[drive]), event).await;
    }

    async fn apply(&mut self, op: &Op) {
        let now = self.site.rig.clock.now();
        match *op {
            Op::Prove { booking, drive, how } => {
                let other = self.others[booking];
                self.site.prove_content(BOOKINGS[booking], self.drives[drive], how, &self.content(booking)).await;
                self.facts.push(Fact::Proven { booking, drive, other, at: now, how });
            }
            Op::Damage { booking, drive } => {
                let other = self.others[booking];
                self.site.damage_content(BOOKINGS[booking], self.drives[drive], &self.content(booking)).await;
                self.facts.push(Fact::Damaged { booking, drive, other });
            }
            Op::Lose { drive } => {
                self.site.lose(self.drives[drive]).await;
                self.facts.push(Fact::Gone { drive });
            }
            Op::Retire { drive } => {
                let retired = DriveRetired { elsewhere: 2, files: 1, reason: "old".to_owned() };
                self.drive_event(drive, Event::DriveRetired(retired)).await;
                self.facts.push(Fact::Gone { drive });
            }
            Op::HandOver { drive } => {
                // Only one that is there is handed over.
                if matches!(self.whereabouts(drive), Some(Fact::Gone { .. })) {
                    return;
                }
                let handed = DriveHandedOver {
                    bytes: strongroom_model::ByteCount(1),
                    files: 1,
                    place: "a safe".to_owned(),
                    receipt_sha256: sample::sha256(b"receipt").to_string(),
                    to: "Max".to_owned(),
                };
                self.drive_event(drive, Event::DriveHandedOver(handed)).await;
            }
            Op::Return { drive } => {
                self.site.find(self.drives[drive]).await;
                self.facts.push(Fact::Back { drive });
            }
            Op::Correct { booking, drive, other } => self.correct(booking, drive, other, now).await,
            Op::Jump { hours } => self.site.rig.clock.set(now + SignedDuration::from_hours(hours)),
            Op::Agree => self.agree().await,
            Op::Restore => {
                self.site.go_on_from_a_restored_log().await;
                self.facts.push(Fact::Restored);
            }
            Op::Run { needed, fresh_days, how } => self.run(needed, fresh_days, how).await,
        }
    }

    fn whereabouts(&self, drive: usize) -> Option<&Fact> {
        self.facts.iter().rev().find(|fact| match fact {
            Fact::Gone { drive: its } | Fact::Back { drive: its } => *its == drive,
            _ => false,
        })
    }

    async fn correct(&mut self, booking: usize, drive: usize, other: bool, now: Timestamp) {
        let id = BOOKINGS[booking];
        let rig = &self.site.rig;
        if rig.state(id).await.phase != strongroom_model::booking::Phase::Archived {
            return;
        }
        rig.append(id, Event::TimesheetRetried(Retried { stage: StageName::Enumerate, reason: None })).await;
        self.others[booking] = other;
        let content = self.content(booking);
        let (digest, size) = (sample::sha256(&content), content.len() as u64);
        let (drive_id, path) = (self.drives[drive], format!("acme/2026-11/data/{id}/t.pdf"));
        rig.append(id, sample::enumerated("t.pdf", size, digest.clone())).await;
        rig.append(id, sample::fetched(drive_id, &path, size, &digest)).await;
        rig.append(id, sample::backed_up(drive_id, &path, size, &digest)).await;
        rig.append(id, sample::archived(&format!("archived/2026-11/uploads/{id}/t.pdf"))).await;
        self.facts.push(Fact::Proven { booking, drive, other, at: now, how: ReadBack::Direct });
        self.facts.push(Fact::Archived { booking, other });
    }

    async fn agree(&mut self) {
        self.purges += 1;
        let purge = format!("p-{}", self.purges);
        self.site.agree(&purge).await;
        self.agreed = Some(purge);
    }

    async fn run(&mut self, needed: u32, fresh_days: i64, how: Worker) {
        let Some(purge) = self.agreed.clone() else { return };
        if !self.site.state(&purge).await.is_requested {
            let requested = Event::PurgeRequested(PurgeRequested { drives_needed: needed });
            self.site.rig.append_to(&stream(&purge), requested).await;
        }
        // A run that was cut short goes on as it was requested.
        let needed = self.site.state(&purge).await.drives_needed;
        let before = BOOKINGS.map(|id| self.site.has_file(id));
        let fresh = SignedDuration::from_hours(24 * fresh_days.min(SERVER_FRESH_DAYS));
        let now = self.site.rig.clock.now();
        self.deliver(&purge, fresh_days, how).await;
        for (booking, id) in BOOKINGS.iter().enumerate().filter(|(booking, _)| before[*booking]) {
            let counted = counted(&self.facts, booking, fresh, now);
            let allowed = counted >= needed.max(SERVER_NEEDS) as usize && !self.others[booking];
            if self.site.has_file(id) {
                KEPT.fetch_add(1, Ordering::Relaxed);
            } else {
                assert!(allowed, "{id} was deleted with {counted} proven copies: {:#?}", self.facts);
                DELETED.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    async fn deliver(&self, purge: &str, fresh_days: i64, how: Worker) {
        let rig = &self.site.rig;
        let settings = PurgeSettings { evidence_fresh_for: SignedDuration::from_hours(24 * fresh_days) };
        let source = self.site.uploads.source.clone();
        let purger =
            Purger::new(rig.log.clone(), rig.clock.clone(), "purge@rig".parse().unwrap(), source, settings, None);
        let mut task = rig.task_of::<Purge>(&stream(purge)).await;
        if how == Worker::Killed {
            // The log takes nothing of it, though the server has done it.
            task.version = Version(u64::from(u32::MAX));
        }
        let context = || StageContext {
            log: rig.log.clone(),
            clock: rig.clock.clone(),
            actor: "purge@rig".parse().unwrap(),
            stage: StageName::Purge,
            retry: rig.retry.clone(),
        };
        for _ in 0..if how == Worker::Twice { 2 } else { 1 } {
            let settle = Settle::new(context(), std::slice::from_ref(&task));
            purger.handle(vec![task.clone()], &settle).await;
            let _ = settle.finish();
        }
    }

    /// A last run: the log then has every deletion that the server made, of bookings that are archived in it.
    async fn reconcile(&mut self) {
        self.agree().await;
        self.run(16, 90, Worker::Well).await;
        for id in BOOKINGS {
            let phase = self.site.rig.state(id).await.phase;
            let is_purged = phase == strongroom_model::booking::Phase::Purged;
            assert_eq!(!self.site.has_file(id), is_purged, "{id} is {phase:?} in the log: {:#?}", self.facts);
        }
    }
}

async fn play(ops: &[Op]) {
    let mut world = World::new().await;
    for op in ops {
        world.apply(op).await;
    }
    world.reconcile().await;
    world.site.stop().await;
}

#[test]
fn r5_no_random_history_has_a_file_deleted_whose_copies_are_not_proven() {
    let config =
        ProptestConfig { cases: 36, failure_persistence: None, max_shrink_iters: 60, ..ProptestConfig::default() };
    // The same histories each time: a failure can be looked at again, and the counts below hold.
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let outcome = runner.run(&proptest::collection::vec(op(), 10..60), |ops| {
        runtime.block_on(play(&ops));
        Ok(())
    });
    outcome.unwrap();
    let (deleted, kept) = (DELETED.load(Ordering::Relaxed), KEPT.load(Ordering::Relaxed));
    assert!(deleted > 5 && kept > 5, "it shows little: {deleted} deleted, {kept} kept");
}
