//! What may hold a task back, and what a reader of a verdict should know besides.

use jiff::SignedDuration;
use strongroom_model::text::{printable, shown_to_the_minute};

use super::due::Due;
use super::{LastRun, Overdue, RunState, State, Watch};
use crate::task::{InstancesPolicy, LogonType, Scheduler, Task};

/// How far the scheduler's own next start may be from ours before one of both is wrong.
const MAX_DIFFERENCE: SignedDuration = SignedDuration::from_mins(15);

pub(super) fn notes(task: &Task, run: &RunState, watch: &Watch<'_>, due: &Due, overdue: Overdue) -> Vec<String> {
    let mut notes = Vec::new();
    if overdue == Overdue::Yes {
        notes.extend(held_by(task));
    }
    notes.extend(needs_user(task, watch).filter(|_| overdue != Overdue::No));
    let enabled = task.triggers.iter().filter(|trigger| trigger.enabled).count();
    if enabled > 1 && due.is_judged() {
        notes.push(
            "it has several triggers and one last run: a start by hand or by another trigger hides a missed one"
                .to_owned(),
        );
    }
    notes.extend(
        due.unknown
            .iter()
            .filter(|_| due.is_judged())
            .map(|why| format!("one of its triggers cannot be judged: {why}")),
    );
    notes.extend(next_differs(task, run, watch, due));
    if run.state == State::Running && task.settings.instances == InstancesPolicy::Queue {
        notes.push("further starts wait until it ends".to_owned());
    }
    if let LastRun::Unknown(why) = &run.last_run {
        notes.push(format!("last run: {why}"));
    }
    notes.extend(task.warnings.iter().cloned());
    notes
}

/// A start that a condition holds back leaves no trace but a last run that does not move.
fn held_by(task: &Task) -> Option<String> {
    let settings = &task.settings;
    let conditions = [
        (settings.only_if_idle, "the computer must be idle"),
        (settings.only_with_network, "a network must be available"),
        (settings.not_on_battery, "the computer must not run on battery"),
    ];
    let named: Vec<_> = conditions.iter().filter(|(set, _)| *set).map(|(_, words)| (*words).to_owned()).collect();
    (!named.is_empty()).then(|| format!("it may be held back: {}", crate::words::list(named)))
}

fn needs_user(task: &Task, watch: &Watch<'_>) -> Option<String> {
    let interactive = task.principals.iter().find(|principal| principal.logon == Some(LogonType::InteractiveToken))?;
    let user = interactive.user.as_deref()?;
    let name = |user: &str| user.rsplit('\\').next().unwrap_or(user).to_lowercase();
    let logged_on = watch.logged_on?.iter().any(|other| name(other) == name(user));
    (!logged_on).then(|| format!("it needs {} to be logged on, who was not", printable(user, 100)))
}

/// A good check of our own reading, and of the host's zone. Windows counts triggers that are switched off, too.
fn next_differs(task: &Task, run: &RunState, watch: &Watch<'_>, due: &Due) -> Option<String> {
    let (reported, expected) = run.next_reported.zip(due.next)?;
    let all_enabled = task.triggers.iter().all(|trigger| trigger.enabled);
    let delays = task.triggers.iter().filter_map(|trigger| trigger.random_delay);
    let allowed = delays.fold(MAX_DIFFERENCE, |sum, delay| sum.saturating_add(delay.duration()));
    let apart = reported.duration_since(expected).abs();
    let judged = task.scheduler == Scheduler::Windows && all_enabled && task.settings.enabled && reported > watch.now;
    let shown = |at| shown_to_the_minute(at, watch.zone);
    (judged && apart > allowed).then(|| {
        let (reported, expected) = (shown(reported), shown(expected));
        format!("the scheduler reports its next start for {reported}, its triggers say {expected}: the host's zone may be another")
    })
}
