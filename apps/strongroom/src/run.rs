//! Runs: what asks for them, keeps their schedule and tells how they ended.
//!
//! - [`job`]: a process with all roles, and what drives its runs;
//! - [`once`] and [`schedule`]: the two ways in which runs are asked for, by [`request`];
//! - [`runs`] and [`summaries`]: what keeps a schedule, turn after turn, each in a
//!   process of its own or not; [`work`]: whether the work is done, whoever does it;
//! - [`one`]: a run that is only asked for, and done by others;
//! - [`right`]: that only one process runs a site;
//! - [`due`]: when a summary or an alarm is;
//! - [`clock_watch`]: whether this host's clock can be right;
//! - [`watch`], [`tally`] and [`show`]: how far it is, while it goes on;
//! - [`outcome`]: what there is to tell at the end.

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
