//! What every process of Strongroom needs, whatever its part.
//!
//! - [`clock`]: what time it is, as an argument;
//! - [`mod@kill`] and [`mod@fault`]: where a test lets the process die, or a call fail; `passings`: counts of both, for
//!   tests of what work costs;
//! - [`limits`]: how many files may be open, and [`memory`]: how much the allocator keeps;
//! - [`blocking`](mod@blocking): calls that block, off the threads that must not;
//! - [`config`]: `strongroom.toml`, the environment and flags, checked;
//! - [`schedule`]: when runs are due and when a night is over;
//! - [`run_lock`]: one process at a time drives a site's runs;
//! - [`private`]: files that only their owner can read;
//! - [`shutdown`]: finish what is in hand, then give up;
//! - [`telemetry`]: what the program says about itself;
//! - [`metrics`]: what it counts and measures;
//! - [`trace`]: where a piece of work stands in its trace;
//! - [`http`]: connections within bounds of time;
//! - [`health`]: whether it is well, for whoever asks over HTTP;
//! - [`systemd`]: the same, for the service manager;
//! - [`actor`](mod@actor): who does it.

pub mod actor;
pub mod blocking;
pub mod clock;
pub mod config;
pub mod fault;
pub mod health;
pub mod http;
pub mod kill;
pub mod limits;
pub mod memory;
pub mod metrics;
#[cfg(feature = "kill-points")]
mod passings;
pub mod private;
pub mod run_lock;
pub mod schedule;
pub mod shutdown;
pub mod systemd;
pub mod telemetry;
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
pub use crate::schedule::{MAX_SKEW, Schedule, Window};
pub use crate::shutdown::Shutdown;
