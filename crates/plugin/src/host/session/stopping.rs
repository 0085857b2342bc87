//! Ends a plugin, step by step: the line, SIGTERM for the group, the killing.

use std::time::Duration;

use super::line_of;
use super::process::Process;
use crate::host::bounds::Bounds;
use crate::host::verdict::Stop;
use crate::protocol::{Cancel, HostMessage};

/// A killed process is gone within this time, unless a system call holds it.
const AFTER_KILL: Duration = Duration::from_secs(10);

/// How far the ending has come.
#[derive(Debug, Default)]
pub(super) struct Stopping {
    begun: Option<(Stop, Step)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Step {
    Line,
    Terminate,
    Kill,
    GivenUp,
}

impl Stopping {
    /// Why it was begun.
    pub(super) fn stop(&self) -> Option<Stop> {
        self.begun.map(|(stop, _)| stop)
    }

    pub(super) fn was_killed(&self) -> bool {
        self.begun.is_some_and(|(_, step)| step >= Step::Kill)
    }

    /// It survived its killing.
    pub(super) fn is_given_up(&self) -> bool {
        self.begun.is_some_and(|(_, step)| step == Step::GivenUp)
    }

    /// The first step; when the next is due. Only a plugin without a fault is asked first.
    pub(super) fn begin(&mut self, stop: Stop, process: &Process, bounds: &Bounds) -> Duration {
        let is_asked = matches!(stop, Stop::Cancelled | Stop::TimedOut(_)) && !bounds.cancel_line.is_zero();
        let reason = if stop == Stop::Cancelled { "stop" } else { "timeout" };
        let line = line_of(&HostMessage::Cancel(Cancel { reason: reason.to_owned() }));
        let step = if is_asked && process.say(line) { Step::Line } else { Step::Terminate };
        self.enter(stop, step, process, bounds)
    }

    /// The next step; when the one after it is due.
    pub(super) fn step(&mut self, process: &Process, bounds: &Bounds) -> Duration {
        let Some((stop, step)) = self.begun else { return AFTER_KILL };
        let next = match step {
            Step::Line => Step::Terminate,
            Step::Terminate => Step::Kill,
            Step::Kill | Step::GivenUp => Step::GivenUp,
        };
        self.enter(stop, next, process, bounds)
    }

    fn enter(&mut self, stop: Stop, step: Step, process: &Process, bounds: &Bounds) -> Duration {
        self.begun = Some((stop, step));
        match step {
            Step::Line => bounds.cancel_line,
            Step::Terminate => {
                process.tree.terminate_group();
                bounds.terminate
            }
            Step::Kill => {
                process.tree.kill_group();
                AFTER_KILL
            }
            Step::GivenUp => AFTER_KILL,
        }
    }
}
