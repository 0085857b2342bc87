//! A drive from outside: what lands, what is refused, what faults and kills leave.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bag;
mod cost;
#[cfg(feature = "kill-points")]
mod faults;
mod foreign;
#[cfg(feature = "kill-points")]
mod journal;
mod kills;
mod landing;
mod matrix;
mod modes;
mod month;
mod mounted;
mod names;
mod readme;
mod recovery;
mod refusals;
mod relist;
mod repair;
mod restore;
mod rig;
mod simulation;
mod survey;
mod tee;
mod validator;
