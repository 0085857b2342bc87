//! Runs: what requests them, keeps their schedule and reports how they ended.
//!
//! [`once`] and [`schedule`] request runs by [`request`] in a process with all roles ([`job`]), [`one`] only requests
//! one; [`runs`] and [`summaries`] keep the schedule, [`due`] and [`work`] say what is due and done; [`right`] lets
//! one process run a site; [`clock_watch`] checks the clock; [`watch`], [`tally`] and [`show`] show progress,
//! [`outcome`] the end.

pub(crate) mod clock_watch;
pub(crate) mod due;
pub(crate) mod job;
pub(crate) mod once;
pub(crate) mod one;
pub(crate) mod outcome;
pub(crate) mod request;
pub(crate) mod right;
pub(crate) mod runs;
pub(crate) mod schedule;
pub(crate) mod show;
pub(crate) mod summaries;
pub(crate) mod tally;
pub(crate) mod watch;
pub(crate) mod work;

#[cfg(test)]
pub(crate) mod testing;
