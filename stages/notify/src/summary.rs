//! A summary: one mail over an exact interval of the log.
//!
//! - [`mod@compose`]: fixes its number and interval, durably, before anything is written;
//! - [`tally`]: what happened in the interval, one event after the other;
//! - [`open`]: what was open where it ended, whatever has happened since;
//! - [`report`]: both, read from the log;
//! - [`verdict`]: what they mean, in one sentence;
//! - `view`: what the mail shows of it.

pub mod compose;
pub mod open;
pub mod report;
pub mod tally;
pub mod verdict;
mod view;

pub use self::compose::{ComposeError, compose, compose_after, last_composed};
pub use self::report::{Report, ReportError};
pub(crate) use self::view::{SummaryHtml, SummaryText, SummaryView};
