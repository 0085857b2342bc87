//! A task held against the clock: whether it is overdue, stuck or held back, and how its last run is judged. Everything
//! that decides is an argument; what is not known is said to be so, never taken for "in order".

mod conditions;
mod due;
#[cfg(test)]
mod tests;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use self::due::Due;
use crate::codes::{Meaning, Outcome, Surroundings, decode};
use crate::task::{Scheduler, Task};

/// How late a task may be unless the site says otherwise; never more than half of its period.
pub const DEFAULT_GRACE: SignedDuration = SignedDuration::from_mins(15);
/// How much two clocks may differ, and how much earlier than its time a start may be recorded.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(60);
/// A last run that lies further ahead comes from a clock that is wrong.
const MAX_AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// What the scheduler says of a task at the moment of the collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunState {
    /// Its state.
    pub state: State,
    /// When it last started.
    pub last_run: LastRun,
    /// The last result, as a code of Windows.
    pub result: Option<u32>,
    /// The last result, as another scheduler judges it.
    pub judged: Option<(Outcome, String)>,
    /// The last start by the host's clock, where its zone is not known.
    pub last_local: Option<DateTime>,
    /// The next start, as the scheduler reports it.
    pub next_reported: Option<Timestamp>,
    /// The same by the host's clock, where its zone is not known.
    pub next_local: Option<DateTime>,
    /// How many starts the scheduler says it missed.
    pub missed_runs: Option<u32>,
}

impl RunState {
    /// Nothing is known, for that reason.
    #[must_use]
    pub fn unknown(why: &str) -> Self {
        Self {
            state: State::Unknown(why.to_owned()),
            last_run: LastRun::Unknown(why.to_owned()),
            result: None,
            judged: None,
            last_local: None,
            next_reported: None,
            next_local: None,
            missed_runs: None,
        }
    }
}

/// The scheduler's state of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It waits for a trigger.
    Ready,
    /// It runs.
    Running,
    /// It waits for another instance.
    Queued,
    /// It is switched off.
    Disabled,
    /// Another word, or none, as printed.
    Unknown(String),
}

impl State {
    /// As tables name it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Queued => "queued",
            Self::Disabled => "disabled",
            Self::Unknown(word) => word,
        }
    }
}

/// When a task last started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastRun {
    /// It has never started.
    Never,
    /// Then.
    At(Timestamp),
    /// It is not known, and why.
    Unknown(String),
}

/// What is known of the host and agreed for the task.
#[derive(Debug, Clone)]
pub struct Watch<'a> {
    /// When the collection was made: everything is judged as of then.
    pub now: Timestamp,
    /// The host's zone.
    pub zone: &'a TimeZone,
    /// Whether that is known to be its zone. If not, no local time is compared with an instant.
    pub zone_known: bool,
    /// When the host started.
    pub boot: Option<Timestamp>,
    /// When the task was first collected: nothing before can be overdue.
    pub first_seen: Option<Timestamp>,
    /// When it was restored from a backup.
    pub restored_at: Option<Timestamp>,
    /// How late it may be.
    pub grace: SignedDuration,
    /// It must start at least this often, whatever its triggers.
    pub at_least_every: Option<SignedDuration>,
    /// Codes that count as success.
    pub success: &'a [u32],
    /// Who was logged on, where that was collected.
    pub logged_on: Option<&'a [String]>,
}

impl<'a> Watch<'a> {
    /// With nothing else known or agreed.
    #[must_use]
    pub const fn new(now: Timestamp, zone: &'a TimeZone) -> Self {
        Self {
            now,
            zone,
            zone_known: true,
            boot: None,
            first_seen: None,
            restored_at: None,
            grace: DEFAULT_GRACE,
            at_least_every: None,
            success: &[],
            logged_on: None,
        }
    }
}

/// Whether a task should have started and did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overdue {
    /// It did, or nothing was due.
    No,
    /// It did not.
    Yes,
    /// That cannot be determined.
    CannotTell,
}

impl Overdue {
    /// As tables name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Yes => "yes",
            Self::CannotTell => "cannot tell",
        }
    }
}

/// How a task stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is overdue.
    pub overdue: Overdue,
    /// The first start that it missed.
    pub since: Option<Timestamp>,
    /// Why, as a fragment of a sentence.
    pub reason: String,
    /// It runs for longer than it may; since when.
    pub stuck_since: Option<Timestamp>,
    /// The last start that was due.
    pub previous_expected: Option<Timestamp>,
    /// The next start, as computed from its triggers.
    pub next_expected: Option<Timestamp>,
    /// The same by the host's clock, where its zone is not known and every zone gives the same.
    pub next_local: Option<DateTime>,
    /// How its last run is judged.
    pub outcome: Outcome,
    /// The same in words.
    pub outcome_words: String,
    /// The last result, where there is one.
    pub meaning: Option<Meaning>,
    /// What else a reader should know: one sentence each.
    pub notes: Vec<String>,
}

/// Judges a task.
#[must_use]
pub fn assess(task: &Task, run: &RunState, watch: &Watch<'_>) -> Verdict {
    let meaning = run.result.map(|code| {
        let never_ran = run.last_run == LastRun::Never;
        decode(code, Surroundings { success: watch.success, running: run.state == State::Running, never_ran })
    });
    let due = Due::of(task, run, watch);
    let (overdue, since, reason) = judge(task, run, watch, &due);
    let stuck_since = stuck_since(task, run, watch);
    let mut notes = conditions::notes(task, run, watch, &due, overdue);
    let reason = match stuck_since {
        Some(since) => {
            notes.extend((overdue == Overdue::Yes).then_some(reason));
            format!("has been running since {}, longer than it may", strongroom_model::text::shown(since, watch.zone))
        }
        None => reason,
    };
    let (outcome, outcome_words) = outcome(task, run, meaning.as_ref());
    let previous_expected = due.previous;
    Verdict {
        overdue,
        since,
        reason,
        stuck_since,
        previous_expected,
        next_expected: due.next,
        next_local: due.next_local,
        outcome,
        outcome_words,
        meaning,
        notes,
    }
}

/// The state counts before a result that is older than it.
fn outcome(task: &Task, run: &RunState, meaning: Option<&Meaning>) -> (Outcome, String) {
    match (&run.state, meaning) {
        (State::Running, _) => (Outcome::Running, "it runs".to_owned()),
        (State::Queued, _) => (Outcome::Queued, "it waits for another instance to end".to_owned()),
        (_, Some(meaning)) => (meaning.outcome, meaning.words.clone()),
        (_, None) if run.judged.is_some() => run.judged.clone().unwrap_or((Outcome::Unread, String::new())),
        (State::Disabled, None) => (Outcome::Disabled, "it is switched off".to_owned()),
        (_, None) if !task.settings.enabled => (Outcome::Disabled, "it is switched off".to_owned()),
        (_, None) if run.last_run == LastRun::Never => (Outcome::NotYetRun, "has never run".to_owned()),
        (State::Unknown(_) | State::Ready, None) => (Outcome::Unread, "its last result is not known".to_owned()),
    }
}

fn stuck_since(task: &Task, run: &RunState, watch: &Watch<'_>) -> Option<Timestamp> {
    let LastRun::At(started) = run.last_run else { return None };
    if run.state != State::Running {
        return None;
    }
    let limit = task.settings.time_limit.map(crate::Span::duration).or(watch.at_least_every)?;
    (watch.now.duration_since(started) > limit.saturating_add(CLOCK_SKEW)).then_some(started)
}

fn judge(task: &Task, run: &RunState, watch: &Watch<'_>, due: &Due) -> (Overdue, Option<Timestamp>, String) {
    let no = |reason: &str| (Overdue::No, None, reason.to_owned());
    let cannot = |reason: String| (Overdue::CannotTell, None, reason);
    if !task.settings.enabled || run.state == State::Disabled {
        return no("it is switched off");
    }
    if !task.triggers.is_empty() && task.triggers.iter().all(|trigger| !trigger.enabled) {
        return no("all of its triggers are switched off");
    }
    let missed = match &run.last_run {
        LastRun::Unknown(why) if due.is_judged() => return cannot(format!("its last run is not known: {why}")),
        LastRun::At(at) if at.duration_since(watch.now) > MAX_AHEAD => {
            let shown = strongroom_model::text::shown(*at, watch.zone);
            return cannot(format!("its last run, {shown}, lies after the collection: a clock is wrong"));
        }
        LastRun::At(at) => due.missed_after(Some(*at)),
        LastRun::Never | LastRun::Unknown(_) => due.missed_after(None),
    };
    match missed {
        Some(missed) => why_missed(task, run, watch, missed),
        None if run.last_run == LastRun::Never && due.has_no_beginning() => {
            cannot("it has never run, and since when it should is not known".to_owned())
        }
        None if due.is_judged() => no(due.in_order()),
        None => due.nothing_to_judge(task),
    }
}

fn why_missed(
    task: &Task,
    run: &RunState,
    watch: &Watch<'_>,
    missed: due::Missed,
) -> (Overdue, Option<Timestamp>, String) {
    let since = Some(missed.since);
    let shown = |at: Timestamp| strongroom_model::text::shown_to_the_minute(at, watch.zone);
    match (&run.state, &run.last_run) {
        (State::Queued, _) => return (Overdue::No, None, "it is queued".to_owned()),
        (State::Running, LastRun::At(started)) => {
            return (Overdue::No, None, format!("a start is held by the instance that runs since {}", shown(*started)));
        }
        _ => {}
    }
    if watch.boot.is_some_and(|boot| boot > missed.due) {
        let made_up = task.settings.start_when_available || task.settings.persistent;
        let when = if made_up { ", and it was not made up for since" } else { "" };
        return (Overdue::Yes, since, format!("missed its start at {}: the computer was off{when}", shown(missed.due)));
    }
    let reason = match (&run.last_run, missed.is_last) {
        (LastRun::Never, true) => format!("missed its only start at {}, which does not come again", shown(missed.due)),
        (LastRun::Never, _) => format!("has never run though due since {}", shown(missed.since)),
        _ if task.scheduler == Scheduler::Anacron || missed.is_interval => {
            format!("should have run by {}, and did not", shown(missed.due))
        }
        _ => format!("was due at {} and did not start", shown(missed.due)),
    };
    (Overdue::Yes, since, reason)
}
