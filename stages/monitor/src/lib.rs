//! Raises alarms about what should have happened and did not, and clears them. The README has the table.
//!
//! - [`judge`]: which alarms are due, by what was seen: pure;
//! - [`seen`]: what is seen of jobs, hosts and drives;
//! - [`monitor`]: looks again and again.

pub mod judge;
pub mod monitor;
pub mod seen;

pub use crate::judge::{Expectations, due};
pub use crate::monitor::{Monitor, MonitorError};
pub use crate::seen::{DriveSeen, JobSeen, Seen};
