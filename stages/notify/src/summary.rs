//! A summary: a mail about an exact interval of the log. `compose` fixes the interval, [`tally`] counts events in
//! it, [`open`] is the state at its end, [`report`] reads both, `verdict` is one sentence, `view` the mail's content.

pub(crate) mod compose;
pub mod open;
pub mod report;
pub mod tally;
mod verdict;
mod view;

pub use self::compose::{ComposeError, compose, compose_after, last_composed};
pub use self::report::ReportError;
pub(crate) use self::report::SummaryReport;
pub(crate) use self::view::{SummaryHtml, SummaryText, SummaryView};
