//! The processes of a site at work.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::fleet::Fleet;
use crate::program::{Running, stop_all};
use crate::wait;

/// How long a condition of the whole fleet may take at most: a load on a busy machine, and a fault that takes
/// its time to pass.
const PATIENCE: Duration = Duration::from_secs(300);
/// How many lines of what each process said are shown where something went wrong.
const LAST_LINES: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Relay,
    Enumerate,
    Fetch,
    Verify,
    Archive,
    Notify,
}

impl Part {
    pub const ALL: [Self; 6] = [Self::Relay, Self::Enumerate, Self::Fetch, Self::Verify, Self::Archive, Self::Notify];

    pub const fn verb(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Enumerate => "enumerate",
            Self::Fetch => "fetch",
            Self::Verify => "verify",
            Self::Archive => "archive",
            Self::Notify => "notify",
        }
    }

    /// How many of it are at work at once: the load that every fault must be borne under.
    pub const fn times(self) -> usize {
        match self {
            Self::Relay | Self::Fetch | Self::Verify => 2,
            Self::Enumerate | Self::Archive | Self::Notify => 1,
        }
    }
}

/// The processes that are at work; killed when this is dropped.
#[derive(Debug)]
pub struct Crew<'a> {
    fleet: &'a Fleet,
    running: BTreeMap<Part, Vec<Running>>,
}

impl<'a> Crew<'a> {
    /// Starts these parts, as often as the load has each.
    pub fn start(fleet: &'a Fleet, parts: &[Part]) -> Self {
        let mut crew = Self { fleet, running: BTreeMap::new() };
        for part in parts {
            for _ in 0..part.times() {
                crew.add(*part);
            }
        }
        crew
    }

    pub fn add(&mut self, part: Part) {
        let running = self.fleet.site.call([part.verb()]).start();
        self.running.entry(part).or_default().push(running);
    }

    /// Kills all of that part, as the power cut does, and starts none.
    pub fn kill_all(&mut self, part: Part) {
        for victim in self.running.remove(&part).unwrap_or_default() {
            victim.kill();
        }
    }

    /// Kills one of that part, as the power cut does, and starts another one.
    pub fn kill_one(&mut self, part: Part) {
        let of_part = self.running.get_mut(&part).expect("every part was started");
        let victim = of_part.swap_remove(fastrand::usize(..of_part.len()));
        let ended = victim.kill();
        assert!(ended.was_killed(), "{} had ended before it was killed:\n{}", part.verb(), ended.said());
        self.add(part);
    }

    /// Waits until that much of the way of that many bookings is done.
    pub fn until_hundredths(&mut self, hundredths: usize, bookings: usize) {
        let what = format!("{hundredths} hundredths of the way of {bookings} bookings");
        self.until(&what, |fleet| fleet.ledger.hundredths_of(bookings) >= hundredths);
    }

    pub fn until_archived(&mut self, bookings: usize) {
        self.until(&format!("{bookings} archived bookings"), |fleet| fleet.ledger.archived() >= bookings);
    }

    /// Waits until nothing is left to be done and no alarm is raised.
    pub fn until_settled(&mut self) {
        self.until("nothing is left to be done", |fleet| fleet.ledger.is_settled());
        self.until("every queue is empty", |fleet| fleet.queues().iter().all(|(_, messages)| *messages == 0));
        self.until("no alarm is raised", |fleet| fleet.alarms().is_empty());
        // The end of an alarm may be told of, too.
        self.until("nothing is left to be done", |fleet| fleet.ledger.is_settled());
    }

    /// Waits for a condition of the fleet, while every process must live.
    pub fn until(&mut self, what: &str, holds: impl Fn(&Fleet) -> bool) {
        let started = Instant::now();
        while !holds(self.fleet) {
            for (part, running) in &mut self.running {
                for process in running.iter_mut() {
                    assert!(process.is_running(), "{} ended by itself:\n{}", part.verb(), process.stderr());
                }
            }
            assert!(started.elapsed() < PATIENCE, "waited {PATIENCE:?} for this: {what}\n{}", self.shown());
            wait::pause(started.elapsed());
        }
    }

    fn shown(&self) -> String {
        let mut text = self.fleet.site.call(["status"]).run().said();
        for (part, running) in &self.running {
            for process in running {
                let said = process.stderr();
                let lines: Vec<_> = said.lines().collect();
                let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
                text += &format!("\n==== {}\n{}\n", part.verb(), last.join("\n"));
            }
        }
        text
    }

    pub fn dismiss(mut self) -> Vec<Running> {
        std::mem::take(&mut self.running).into_values().flatten().collect()
    }

    /// Lets every process end in order, once all that is left is done: first whoever asks for runs, since one
    /// that it has asked for in its last moment is to be done as well.
    pub fn leave(mut self) {
        stop_all(self.running.remove(&Part::Enumerate).unwrap_or_default());
        let last = self.fleet.site.call(["enumerate", "--once"]).run();
        assert_eq!(last.code(), Some(0), "the last run did not go well:\n{}\n{}", last.said(), self.shown());
        self.until_settled();
        stop_all(std::mem::take(&mut self.running).into_values().flatten().collect());
    }
}
