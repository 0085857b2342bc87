//! Reads a site's log and says what it means; never writes anything.
//!
//! The views are what a console or a hub reads, and what the command line renders: serialisable types without layout.
//! Each takes a position to look back to and gives pages ([`page`]), on SQLite and Postgres alike.
//!
//! In reading order:
//! - [`page`]: how views are asked for, and why there may be none;
//! - [`status`]: how the site stands, with [`safety`], [`causes`](mod@causes), [`process`] and
//!   [`waiting`](mod@waiting);
//! - [`subjects`](mod@subjects): those that have a status; [`story`]: the events of one, and [`booking_state`];
//!   [`entry`]: one event in structured form;
//! - [`runs`](mod@runs), [`alarms`](mod@alarms), [`drives`](mod@drives), by age, and `listed`, what they share;
//! - `prefix`: how all subjects stood at an earlier position;
//! - [`sentence`](mod@sentence): every event as one plain sentence;
//! - [`world`]: the state of all subjects, folded event by event, and what does not fit;
//! - [`as_of`] and [`replay`]: what happened, up to some moment;
//! - [`export`]: the stored bytes; [`verify`](mod@verify): whether the log is what it says it is;
//! - [`figures`]: what is counted for metrics.

pub mod alarms;
pub mod as_of;
pub mod booking_state;
pub mod causes;
pub mod drives;
pub mod entry;
pub mod export;
pub mod figures;
mod listed;
pub mod page;
mod prefix;
pub mod process;
pub mod replay;
pub mod runs;
pub mod safety;
pub mod sentence;
pub mod status;
pub mod story;
pub mod subjects;
pub mod verify;
pub mod waiting;
pub mod world;

#[cfg(test)]
mod samples;

pub use crate::alarms::{AlarmEnd, AlarmEntry, AlarmFilter, alarms, raised_alarms};
pub use crate::as_of::{AsOf, ParseAsOfError};
pub use crate::booking_state::{BookingState, CopyProof};
pub use crate::causes::{Cause, causes};
pub use crate::drives::{DriveEntry, drives};
pub use crate::entry::{DigestOf, EventEntry, Evidence, RecordedDigest};
pub use crate::export::Export;
pub use crate::figures::Figures;
pub use crate::page::{DEFAULT_PAGE, MAX_PAGE, Page, PageCursor, PageRequest, ParseCursorError, ViewError};
pub use crate::process::Process;
pub use crate::replay::{Replay, ReplayTotals};
pub use crate::runs::{RunEntry, RunState, runs};
pub use crate::safety::{Safety, SafetyReason};
pub use crate::sentence::sentence;
pub use crate::status::{Backlog, Bookings, DriveState, LogHead, Observed, Status, failed_mail};
pub use crate::story::{Story, position_at};
pub use crate::subjects::{SubjectEntry, statuses_of, subjects};
pub use crate::verify::{Bad, KnownRoot, VerifyReport, verify};
pub use crate::waiting::{WaitingError, waiting};
pub use crate::world::{Misfit, World};
