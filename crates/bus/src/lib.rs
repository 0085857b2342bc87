//! Hands events to stages, and what they make of them to the log.
//!
//! The log is the truth and delivery is only delivery: every event may arrive twice, late
//! or never, and what is pending is always found again in the log (rules R2 and R3).
//!
//! In reading order:
//! - [`stage`]: the one seam, [`Stage`]: its documentation is the contract;
//! - [`settle`]: what became of tasks, written to the log, from a [`desk`];
//! - [`retry`]: when a failure is tried again, and [`alarms`]: what a person is told of now;
//! - `ledger`, `relay`: what is pending in the log, fed to a stage, each stream once at a time;
//! - `batch`, `obstacles`, `runner`: a stage at work, and what happens when it cannot;
//! - [`pipeline`]: the stages of one process, their [`progress`], their [`pace`], and
//!   [`idle`]: whether anything is left to do;
//! - [`broker`]: RabbitMQ, where stages run in processes of their own.

mod batch;
mod ledger;
mod obstacles;
mod relay;
mod runner;

pub mod alarms;
pub mod broker;
pub mod desk;
pub mod idle;
pub mod pace;
pub mod pipeline;
pub mod progress;
pub mod retry;
pub mod settle;
pub mod stage;

pub use crate::alarms::{AlarmError, Alarms};
pub use crate::broker::{Broker, BrokerError, BrokerSettings, Topology};
pub use crate::desk::Desk;
pub use crate::idle::Idle;
pub use crate::pace::Pace;
pub use crate::pipeline::{Pipeline, StageHandle, Wiring, spawn_stage};
pub use crate::progress::{Counts, Pause, StageProgress};
pub use crate::retry::RetryPolicy;
pub use crate::settle::{Settle, Settled};
pub use crate::stage::{BatchLimits, Done, Failure, Fate, Outcome, Stage, Task};
