//! A process's [`Health`]. Each part that can get stuck or lack something holds a [`Probe`].
//!
//! - *Alive* (`/healthz`, the service manager's watchdog): the loops turn. If not, only a restart helps.
//! - *Ready* (`/readyz`): log, broker and drive are there. If not, the process waits.

mod board;
mod http;

pub(crate) use self::board::FailedCheck;
pub use self::board::{Health, Probe};
pub use self::http::HealthServer;
