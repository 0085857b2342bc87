use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

/// A process's health; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<Checks>>);

#[derive(Debug, Default)]
struct Checks {
    made: u64,
    by_number: BTreeMap<u64, Check>,
}

#[derive(Debug)]
struct Check {
    name: String,
    is_loop: bool,
    status: Result<(), String>,
    reported_at: Instant,
    max_silence: Option<Duration>,
}

/// A failing check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedCheck {
    /// The part, such as `drive`.
    pub check: String,
    /// What is wrong, in words.
    pub why: String,
}

impl Health {
    /// Without checks, all is healthy.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a loop, which must report within `within`, the first turn included, or the process is not alive.
    pub fn turns(&self, name: impl Into<String>, within: Duration) -> Probe {
        self.probe(name.into(), true, Ok(()), Some(within))
    }

    /// Registers a requirement; not ready until reported healthy.
    pub fn needs(&self, name: impl Into<String>) -> Probe {
        self.probe(name.into(), false, Err("nobody has looked yet".to_owned()), None)
    }

    fn probe(&self, name: String, is_loop: bool, status: Result<(), String>, max_silence: Option<Duration>) -> Probe {
        let mut checks = self.checks();
        checks.made += 1;
        let number = checks.made;
        checks.by_number.insert(number, Check { name, is_loop, status, reported_at: Instant::now(), max_silence });
        Probe { health: self.clone(), number, is_done: false }
    }

    /// Why the process needs a restart; empty if it does not.
    pub fn stuck(&self) -> Vec<FailedCheck> {
        self.problems(|check| check.is_loop)
    }

    /// Why the process cannot work; empty if it can.
    pub(crate) fn unready(&self) -> Vec<FailedCheck> {
        self.problems(|_| true)
    }

    fn problems(&self, selected: impl Fn(&Check) -> bool) -> Vec<FailedCheck> {
        let now = Instant::now();
        let checks = self.checks();
        let selected = checks.by_number.values().filter(|check| selected(check));
        selected.filter_map(|check| Some(FailedCheck { check: check.name.clone(), why: check.problem(now)? })).collect()
    }

    fn checks(&self) -> MutexGuard<'_, Checks> {
        // Each statement leaves it consistent, so a panic elsewhere is harmless.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Check {
    fn problem(&self, now: Instant) -> Option<String> {
        let silent = now.saturating_duration_since(self.reported_at);
        match (&self.status, self.max_silence) {
            (Err(why), _) => Some(why.clone()),
            (Ok(()), Some(max_silence)) if silent > max_silence => {
                Some(format!("it said nothing for {} s, and should every {} s", seconds(silent), seconds(max_silence)))
            }
            (Ok(()), _) => None,
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64())
}

/// One part's handle. Dropped before it is [done](Probe::done), it counts as failed.
#[derive(Debug)]
pub struct Probe {
    health: Health,
    number: u64,
    is_done: bool,
}

impl Probe {
    /// Also requires a report every `max_silence`: a stuck part does not report itself.
    #[must_use]
    pub fn within(self, max_silence: Duration) -> Self {
        self.change(|check| check.max_silence = Some(max_silence));
        self
    }

    /// Reports it healthy.
    pub fn well(&self) {
        self.report(Ok(()));
    }

    /// Reports it unhealthy; anybody may read `why`.
    pub fn bad(&self, why: impl Into<String>) {
        self.report(Err(why.into()));
    }

    /// The part has ended as it should.
    pub fn done(mut self) {
        self.is_done = true;
        self.health.checks().by_number.remove(&self.number);
    }

    fn report(&self, status: Result<(), String>) {
        self.change(|check| {
            check.status = status;
            check.reported_at = Instant::now();
        });
    }

    fn change(&self, change: impl FnOnce(&mut Check)) {
        if let Some(check) = self.health.checks().by_number.get_mut(&self.number) {
            change(check);
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if !self.is_done {
            self.bad("it has ended, and should not have");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whys(problems: &[FailedCheck]) -> Vec<String> {
        problems.iter().map(|problem| format!("{}: {}", problem.check, problem.why)).collect()
    }

    #[test]
    fn what_the_work_needs_is_missing_until_it_is_said_to_be_there() {
        let health = Health::new();
        let drive = health.needs("drive");
        assert_eq!(whys(&health.unready()), ["drive: nobody has looked yet"]);
        drive.bad("no drive is mounted at /mnt/backup");
        assert_eq!(whys(&health.unready()), ["drive: no drive is mounted at /mnt/backup"]);
        assert!(health.stuck().is_empty(), "a new start brings no drive");
        drive.well();
        assert!(health.unready().is_empty());
        drive.done();
        assert!(health.unready().is_empty());
    }

    #[test]
    fn a_loop_that_ended_or_says_nothing_is_stuck() {
        let health = Health::new();
        let pipeline = health.turns("pipeline", Duration::from_secs(3600));
        assert!(health.stuck().is_empty(), "it has time for its first turn");
        drop(pipeline);
        assert_eq!(whys(&health.stuck()), ["pipeline: it has ended, and should not have"]);
        let relay = health.turns("relay", Duration::ZERO);
        while health.stuck().len() < 2 {
            std::thread::yield_now();
        }
        assert!(health.unready()[1].why.starts_with("it said nothing for "), "{:?}", health.unready());
        let relay = relay.within(Duration::from_secs(3600));
        relay.well();
        assert_eq!(health.stuck().len(), 1);
    }

    #[test]
    fn a_look_that_is_too_long_ago_does_not_count() {
        let check = |max_silence, ago| {
            let reported_at = Instant::now();
            let check = Check {
                name: "log".to_owned(),
                is_loop: false,
                status: Ok(()),
                reported_at,
                max_silence: Some(max_silence),
            };
            check.problem(reported_at + ago)
        };
        let (ten, eleven) = (Duration::from_secs(10), Duration::from_secs(11));
        assert_eq!(check(ten, ten), None);
        assert_eq!(check(ten, eleven).unwrap(), "it said nothing for 11.0 s, and should every 10.0 s");
    }
}
