//! Hands events to stages, and what they make of them to the log.
//!
//! The log is the truth and delivery is only delivery: every event may arrive twice, late
//! or never, and what is pending is always found again in the log (rules R2 and R3).
//!
//! In reading order:
//! - [`stage`]: the one seam, [`Stage`]: its documentation is the contract;
//! - [`settle`]: what became of tasks, written to the log, from a [`context`];
//! - [`retry`]: when a failure is tried again, `stranded`: what was put off by a wrong clock, and
//!   [`alarms`]: what a person is told of now;
//! - [`delivery`]: the two ways that pending work reaches a stage, each stream once at a time
//!   (`claims`): `log_source` reads the log itself, `consumer` takes from a broker's queue;
//! - `erased`: a stage without its types; `batch`, `settling`, `hold`, `obstacles`, `runner`: a stage at work,
//!   also for long, and what happens when it cannot;
//! - [`pipeline`]: the stages of one process, their [`progress`], their [`pace`], and
//!   [`idle`]: whether anything is left to do;
//! - [`broker`]: RabbitMQ, where stages run in processes of their own, and [`relay`]: what is
//!   pending in the log, published to it.

mod batch;
mod claims;
mod consumer;
mod erased;
mod hold;
mod log_source;
mod obstacles;
mod runner;
mod settling;
mod stranded;
mod traced;

pub mod alarms;
pub mod broker;
pub mod context;
pub mod delivery;
pub mod idle;
pub mod pace;
pub mod pipeline;
pub mod progress;
pub mod relay;
pub mod retry;
pub mod settle;
pub mod stage;

pub use crate::alarms::{AlarmError, Alarms, Cleared};
pub use crate::broker::{Broker, BrokerError, BrokerSettings, Topology};
pub use crate::context::StageContext;
pub use crate::delivery::Delivery;
pub use crate::idle::Idle;
pub use crate::pace::Pace;
pub use crate::pipeline::{Pipeline, PipelineView, StageHandle, Wiring, spawn_stage};
pub use crate::progress::{Counts, LinkHealth, Pause, StageProgress};
pub use crate::relay::{RelayHandle, RelayHealth, RelayPace, RelayView, RelayWiring, spawn_relay};
pub use crate::retry::RetryPolicy;
pub use crate::settle::{Settle, Settled, TaskEnd};
pub use crate::stage::{BatchLimits, Done, Stage, Task, TaskOutcome};
pub use strongroom_model::{Failure, Fate};
