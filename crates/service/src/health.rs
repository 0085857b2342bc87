//! Whether a process is well: what its parts say, and who may ask.
//!
//! Each part that can get stuck or be without something it needs holds a [`Probe`] of the
//! process's [`Health`] and says how it stands. Two questions are asked:
//!
//! - *alive* (`/healthz`, the service manager's watchdog): do the loops turn? Only a new start
//!   helps a process whose loops do not;
//! - *ready* (`/readyz`): is everything there that the work needs, such as the log, the broker
//!   and the drive? The process waits for what is not.

mod board;
mod http;

pub use self::board::{Health, Probe, Problem};
pub use self::http::{HealthServer, ListenError};
