//! The job: all stages in one process.
//!
//! - [`job`]: the site, opened, and its stages; [`wire`]: how each is made from the configuration;
//! - [`once`] and [`schedule`]: the two ways in which runs are asked for, by [`request`];
//! - [`due`]: when a summary or an alarm is; [`gate`]: whether the drive is there;
//! - [`watch`], [`tally`] and [`show`]: how far it is, while it goes on;
//! - [`ending`]: what there is to tell at the end.

pub(crate) mod due;
pub(crate) mod ending;
pub(crate) mod gate;
pub(crate) mod job;
pub(crate) mod once;
pub(crate) mod request;
pub(crate) mod schedule;
pub(crate) mod show;
pub(crate) mod tally;
pub(crate) mod watch;
pub(crate) mod wire;
