//! Hands events to stages, and what they make of them to the log.
//!
//! The log is the truth and delivery is only delivery: every event may arrive twice, late
//! or never, and what is pending is always found again in the log (rules R2 and R3).
//!
//! - [`stage`]: the one seam, [`Stage`]: its documentation is the contract.

pub mod settle;
pub mod stage;

pub use crate::stage::{BatchLimits, Done, Failure, Fate, Outcome, Stage, Task};
