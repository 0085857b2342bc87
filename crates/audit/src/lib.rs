//! Reads a site's log and says what it means; never writes anything.
//!
//! In reading order:
//! - [`sentence`](mod@sentence): every event as one plain sentence;
//! - [`world`]: the state of all subjects, folded event by event, and what does not fit;
//! - [`life`]: one booking's state, with the proof of its copy;
//! - [`as_of`] and [`replay`]: what happened, up to some moment;
//! - [`export`]: the stored bytes;
//! - [`verify`](mod@verify): whether the log is what it says it is;
//! - [`status`], [`waiting`](mod@waiting) and [`causes`](mod@causes): how the site stands now, and why;
//!   [`figures`]: what of it is counted, for metrics.

pub mod as_of;
pub mod causes;
pub mod export;
pub mod figures;
pub mod life;
pub mod replay;
pub mod sentence;
pub mod status;
pub mod verify;
pub mod waiting;
pub mod world;

#[cfg(test)]
mod samples;

pub use crate::as_of::{AsOf, ParseAsOfError};
pub use crate::causes::{Cause, causes};
pub use crate::export::Export;
pub use crate::figures::Figures;
pub use crate::life::{Life, Proof};
pub use crate::replay::{Ending, Query, Replay, Step};
pub use crate::sentence::sentence;
pub use crate::status::{
    Bookings, DriveState, LastRun, LogHead, Process, RaisedAlarm, Seen, Status, failed_mail, raised_alarms,
};
pub use crate::verify::{Bad, KnownRoot, Report, verify};
pub use crate::waiting::{WaitingError, waiting};
pub use crate::world::{Misfit, World};
