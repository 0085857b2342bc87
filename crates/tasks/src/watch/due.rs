//! What was due, from all triggers of a task.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::{CLOCK_SKEW, LastRun, Overdue, RunState, Watch};
use crate::expect::{Expectation, Grid, expectation};
use crate::moment::Moment;
use crate::task::{Schedule, Task, Trigger};

/// How long Windows may take to make up for a missed start (ITaskSettings::StartWhenAvailable), and systemd's
/// `AccuracySec=` by default is shorter.
const CATCH_UP: SignedDuration = SignedDuration::from_mins(10);
/// Where weeks may be counted from another day, a start may be a week later than computed.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Where the host may be if its zone is not known: the first and the last zone that a day begins in, and one that is not
/// whole hours from them. The first one is in front: there a local time is the latest instant.
const ANYWHERE_S: [i32; 3] = [-12 * 3_600, 5 * 3_600 + 45 * 60, 14 * 3_600];

/// A start that should have been.
#[derive(Debug, Clone, Copy)]
pub(super) struct Missed {
    /// The first that was missed.
    pub(super) since: Timestamp,
    /// The last that was due.
    pub(super) due: Timestamp,
    /// It does not come again.
    pub(super) is_last: bool,
    /// It is the end of an interval, not a point of a calendar.
    pub(super) is_interval: bool,
}

/// One trigger, or the site's own rule.
#[derive(Debug)]
enum Rule {
    /// Times, and how late a start may be.
    Times(Box<Grid>, SignedDuration),
    /// Once since then.
    Since(Timestamp, SignedDuration),
    /// So long after the last start, and how late.
    Interval(SignedDuration, SignedDuration),
}

/// What is due and when, and what cannot be determined.
#[derive(Debug)]
pub(super) struct Due {
    rules: Vec<Rule>,
    /// Why the due times of the other triggers are unknown.
    pub(super) unknown: Vec<String>,
    /// Why triggers will never start it again.
    never: Vec<String>,
    now: Timestamp,
    /// Nothing before can be overdue.
    floor: Option<Timestamp>,
    pub(super) previous: Option<Timestamp>,
    pub(super) next: Option<Timestamp>,
    /// The next start by the host's clock, in each zone of [`ANYWHERE_S`].
    anywhere: Vec<[Option<DateTime>; 3]>,
    pub(super) next_local: Option<DateTime>,
}

impl Due {
    pub(super) fn of(task: &Task, run: &RunState, watch: &Watch<'_>) -> Self {
        let latest = zone_at(ANYWHERE_S[0]);
        let zone = if watch.zone_known { watch.zone } else { &latest };
        let registered = task.registered.as_ref().and_then(|date| date.instant(zone));
        let floor = [registered, watch.first_seen, watch.restored_at].into_iter().flatten().max();
        let mut due = Self {
            rules: Vec::new(),
            unknown: Vec::new(),
            never: Vec::new(),
            now: watch.now,
            floor,
            previous: None,
            next: None,
            anywhere: Vec::new(),
            next_local: None,
        };
        for trigger in task.triggers.iter().filter(|trigger| trigger.enabled) {
            due.add(task, trigger, watch);
        }
        if let (true, Some(maintenance)) = (task.triggers.is_empty(), &task.settings.maintenance) {
            let period = maintenance.period.duration();
            let deadline = maintenance.deadline.map_or(period.saturating_add(period), crate::Span::duration);
            due.rules.push(Rule::Interval(deadline, watch.grace));
        }
        if let Some(every) = watch.at_least_every {
            due.rules.push(Rule::Interval(every, SignedDuration::ZERO));
        }
        due.expect(run);
        due
    }

    fn add(&mut self, task: &Task, trigger: &Trigger, watch: &Watch<'_>) {
        let later = [trigger.random_delay, trigger.delay, task.settings.accuracy].into_iter().flatten();
        let later = later.fold(SignedDuration::ZERO, |sum, span| sum.saturating_add(span.duration()));
        let catch_up = if task.settings.start_when_available { CATCH_UP } else { SignedDuration::ZERO };
        let own = later.saturating_add(catch_up);
        match expectation(trigger, watch.zone) {
            Expectation::Times(_) if !watch.zone_known && self.depends_on_zone(trigger) => {
                self.unknown
                    .push("the host's zone is not known, so neither is when it should start: name the zone".to_owned());
            }
            Expectation::Times(grid) => {
                let half = grid.period_at(watch.now).map_or(watch.grace, |period| period / 2);
                let mut grace = own.saturating_add(watch.grace.min(half));
                if grid.is_off_by_a_week() {
                    grace = grace.saturating_add(WEEK);
                }
                self.rules.push(Rule::Times(grid, grace));
            }
            Expectation::AfterBoot(after) => match watch.boot {
                Some(boot) => {
                    self.rules
                        .push(Rule::Since(boot.saturating_add(after).unwrap_or(boot), own.saturating_add(watch.grace)));
                }
                None => self.unknown.push("when the computer started is not known".to_owned()),
            },
            Expectation::AfterRun(after) => self.rules.push(Rule::Interval(after, own.saturating_add(watch.grace))),
            Expectation::CannotTell(why) => self.unknown.push(why),
            Expectation::Never(why) => self.never.push(why),
        }
        if let (Schedule::Anacron(_), Some(Moment::Unreadable(stamp))) = (&trigger.schedule, &trigger.start) {
            self.unknown.push(format!("anacron's stamp {stamp:?} cannot be read"));
        }
    }

    /// Whether the next start differs by zone; notes what it is by the host's clock.
    fn depends_on_zone(&mut self, trigger: &Trigger) -> bool {
        let next = ANYWHERE_S.map(|offset| match expectation(trigger, &zone_at(offset)) {
            Expectation::Times(grid) => grid.next_after(self.now),
            _ => None,
        });
        if next[0].is_some() && next.iter().all(|one| *one == next[0]) {
            return false;
        }
        let [first, second, third] = ANYWHERE_S.map(zone_at);
        let local = |at: Option<Timestamp>, zone| at.map(|at| at.to_zoned(zone).datetime());
        self.anywhere.push([local(next[0], first), local(next[1], second), local(next[2], third)]);
        true
    }

    fn expect(&mut self, run: &RunState) {
        let now = self.now;
        let last_run = match run.last_run {
            LastRun::At(at) => Some(at),
            LastRun::Never | LastRun::Unknown(_) => None,
        };
        let previous = |rule: &Rule| match rule {
            Rule::Times(grid, _) => grid.at_or_before(now),
            Rule::Since(at, _) => Some(*at).filter(|at| *at <= now),
            Rule::Interval(..) => None,
        };
        let next = |rule: &Rule| match rule {
            Rule::Times(grid, _) => grid.next_after(now),
            Rule::Since(at, _) => Some(*at).filter(|at| *at > now),
            Rule::Interval(after, _) => last_run.and_then(|last| last.checked_add(*after).ok()).filter(|at| *at > now),
        };
        self.previous = self.rules.iter().filter_map(previous).max();
        self.next = self.rules.iter().filter_map(next).min();
        if !self.anywhere.is_empty() {
            // The earliest of all in each zone. Beside a start at a known instant it cannot be told which one comes first.
            let earliest = |zone: usize| self.anywhere.iter().filter_map(|starts| starts[zone]).min();
            let (first, others) = (earliest(0), [earliest(1), earliest(2)]);
            self.next_local = first.filter(|_| self.next.is_none() && others.iter().all(|other| *other == first));
            self.next = None;
        }
    }

    /// Whether anything tells when it should start.
    pub(super) fn is_judged(&self) -> bool {
        !self.rules.is_empty()
    }

    /// Whether an interval counts from a start that never was, and nothing else tells when it began.
    pub(super) fn has_no_beginning(&self) -> bool {
        self.floor.is_none() && self.rules.iter().any(|rule| matches!(rule, Rule::Interval(..)))
    }

    /// What was missed by a task that last started then.
    pub(super) fn missed_after(&self, last_run: Option<Timestamp>) -> Option<Missed> {
        let missed = self.rules.iter().filter_map(|rule| self.missed(rule, last_run));
        missed.reduce(|one, other| Missed {
            since: one.since.min(other.since),
            due: one.due.max(other.due),
            is_last: one.is_last && other.is_last,
            is_interval: one.is_interval && other.is_interval,
        })
    }

    fn missed(&self, rule: &Rule, last_run: Option<Timestamp>) -> Option<Missed> {
        let is_missed = |due: &Timestamp| {
            let ran = last_run.is_some_and(|last| last >= due.saturating_sub(CLOCK_SKEW).unwrap_or(*due));
            !ran && self.floor.is_none_or(|floor| *due >= floor)
        };
        let latest = |grace: SignedDuration| self.now.checked_sub(grace).ok();
        match rule {
            Rule::Times(grid, grace) => {
                let due = grid.surely_at_or_before(latest(*grace)?).filter(is_missed)?;
                let from = last_run.into_iter().chain(self.floor).max();
                let since = from.and_then(|from| grid.next_after(from)).filter(|since| *since <= due);
                Some(Missed { since: since.unwrap_or(due), due, is_last: grid.is_once(), is_interval: false })
            }
            Rule::Since(at, grace) => {
                let due = Some(*at).filter(|at| Some(*at) <= latest(*grace)).filter(is_missed)?;
                Some(Missed { since: due, due, is_last: false, is_interval: false })
            }
            Rule::Interval(after, grace) => {
                let from = last_run.or(self.floor)?;
                let due = from.checked_add(*after).ok()?;
                (Some(due) <= latest(*grace)).then_some(Missed { since: due, due, is_last: false, is_interval: true })
            }
        }
    }

    pub(super) fn in_order(&self) -> &'static str {
        let by_times = self.rules.iter().all(|rule| matches!(rule, Rule::Times(..)));
        match (self.previous, self.next) {
            (None, Some(_)) if by_times => "its first start is still to come",
            (Some(_), None) if by_times => "it started when it was due, and has no start to come",
            (None, _) => "it started often enough",
            (Some(_), _) => "it started when it was due",
        }
    }

    /// No trigger tells a time.
    pub(super) fn nothing_to_judge(&self, task: &Task) -> (Overdue, Option<Timestamp>, String) {
        if let Some(why) = self.unknown.first() {
            return (Overdue::CannotTell, None, why.clone());
        }
        if let Some(why) = self.never.first() {
            return (Overdue::No, None, why.clone());
        }
        let reason = if task.triggers.is_empty() { "it is started by hand only" } else { "nothing is due" };
        (Overdue::No, None, reason.to_owned())
    }
}

fn zone_at(offset_s: i32) -> TimeZone {
    TimeZone::fixed(Offset::from_seconds(offset_s).expect("offsets of up to 25 hours are valid"))
}
