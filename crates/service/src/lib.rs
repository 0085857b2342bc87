//! What every process needs: [`clock`], [`config`], `schedule`, `run_lock`, [`shutdown`], [`terminate`], [`telemetry`],
//! [`metrics`], [`trace`], [`http`], `health`, [`systemd`], [`actor`](mod@actor), [`blocking`](blocking()) calls,
//! [`private`] files, [`process_tree`]s, [`limits`] and [`memory`] of the process; for tests, `kill` points, [`mod@fault`]s, and
//! `passings`, which counts both.

pub mod actor;
mod blocking;
pub mod clock;
pub mod config;
pub mod fault;
mod health;
pub mod http;
pub mod kill;
pub mod limits;
pub mod memory;
pub mod metrics;
#[cfg(feature = "kill-points")]
mod passings;
pub mod private;
pub mod process_tree;
mod run_lock;
mod schedule;
pub mod shutdown;
pub mod systemd;
pub mod telemetry;
pub mod terminate;
#[cfg_attr(not(feature = "otlp"), path = "no_trace.rs")]
pub mod trace;

pub use crate::actor::actor;
pub use crate::blocking::blocking;
pub use crate::clock::Clock;
pub use crate::config::{Config, ConfigError};
pub use crate::fault::Fault;
pub use crate::health::{Health, HealthServer, Probe};
pub use crate::metrics::Metrics;
pub use crate::private::{private_files, private_folders};
pub use crate::run_lock::{RunLock, RunLockError};
pub use crate::schedule::{JobTiming, MAX_SKEW, Schedule, Window};
pub use crate::shutdown::Shutdown;
