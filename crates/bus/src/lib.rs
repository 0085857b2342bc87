//! Delivers pending events to stages, and appends their results to the log.
//!
//! Delivery is only delivery: every event may arrive twice, late or never, and what is pending is always found again
//! in the log (rules R2 and R3).
//!
//! In reading order:
//! - `stage`: the one seam, [`Stage`], whose documentation is the contract;
//! - `settle`, `settling`: task results, written to the log; `retry`: when a failure is tried again; `alarms`;
//! - `claims`: each stream in flight once; `log_source` reads the log itself, `consumer` a broker's queue;
//! - `runner` and its `pause`, `batch`, `lease`, `obstacles`, `erased`: a stage at work;
//! - `pipeline`: the stages of one process; `idle`: whether anything is left to do;
//! - [`broker`]: RabbitMQ; `relay`: publishes what is pending in the log.

mod alarms;
mod batch;
pub mod broker;
mod claims;
mod consumer;
mod context;
mod delivery;
mod erased;
mod idle;
mod lease;
mod log_source;
mod obstacles;
mod pace;
mod pipeline;
mod progress;
mod relay;
mod retry;
mod runner;
mod settle;
mod settling;
mod stage;
mod stranded;
mod traced;

pub use crate::alarms::{AlarmError, Alarms, Cleared};
pub use crate::broker::{Broker, BrokerError, BrokerSettings, Topology};
pub use crate::context::StageContext;
pub use crate::delivery::Delivery;
pub use crate::idle::Idle;
pub use crate::pace::Pace;
pub use crate::pipeline::{Pipeline, PipelineView, Wiring};
pub use crate::progress::{Counts, LinkHealth, Pause, StageProgress};
pub use crate::relay::{RelayHandle, RelayHealth, RelayPace, RelayView, RelayWiring, spawn_relay};
pub use crate::retry::RetryPolicy;
pub use crate::settle::{BatchOutcome, Settle, TaskEnd};
pub use crate::stage::{BatchLimits, Done, Stage, Task, TaskOutcome};
pub use strongroom_model::{Failure, Fate};
