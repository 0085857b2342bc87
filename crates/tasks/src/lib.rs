//! Definitions of scheduled tasks: read from the bytes of any exporter, put in words, and held against the clock. Windows
//! Task Scheduler first, then systemd timers and crontabs. Pure functions: time, zone and what was collected are
//! arguments, nothing is read or started, and no input panics. What cannot be read is said, and never taken for "never",
//! "ok" or an empty list.

pub mod codes;
pub mod collection;
mod dates;
pub mod diff;
mod expect;
mod file;
pub mod linux;
pub mod manifest;
mod moment;
mod needs;
mod problem;
pub mod restore;
pub mod schtasks;
mod span;
pub mod tables;
pub mod task;
pub mod text;
pub mod watch;
mod words;
mod xml;

pub use crate::dates::{DateOrder, Stamp, read_stamp};
pub use crate::expect::{Expectation, Grid, expectation};
pub use crate::file::read_file;
pub use crate::moment::Moment;
pub use crate::needs::restore_needs;
pub use crate::problem::{Format, Problem, Reading};
pub use crate::span::Span;
pub use crate::task::{Action, Scheduler, Task, Trigger};
pub use crate::words::{task_words, trigger_words};
pub use crate::xml::{MAX_XML_DEPTH, MAX_XML_NODES};
