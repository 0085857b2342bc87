//! Health of a process. Each part that can get stuck or lack something holds a [`Probe`] of the process's [`Health`].
//!
//! - *Alive* (`/healthz`, the service manager's watchdog): the loops turn. Only a restart helps otherwise.
//! - *Ready* (`/readyz`): all that the work needs is there, such as the log, the broker and the drive. The process
//!   waits for what is not.

mod board;
mod http;

pub(crate) use self::board::FailedCheck;
pub use self::board::{Health, Probe};
pub use self::http::HealthServer;
