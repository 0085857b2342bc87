//! Reads a site's log; never writes.
//!
//! The views are for the command line, a console or a hub: serialisable types without layout, paged, now or as of a
//! position ([`page`]), on SQLite and Postgres.
//!
//! In reading order:
//! - [`status`]: how the site stands, with [`safety`], [`causes`](mod@causes), [`process`] and
//!   [`waiting`](mod@waiting);
//! - [`subjects`](mod@subjects) by status; [`story`]: one subject's events ([`entry`]) and [`booking_state`];
//! - [`holdings`](mod@holdings): what a drive holds; [`copies`](mod@copies): where a booking's copies are;
//! - [`bookings`](mod@bookings), [`runs`](mod@runs), [`alarms`](mod@alarms), [`drives`](mod@drives),
//!   [`acts`](mod@acts), [`purges`](mod@purges), by `listed`; [`copy_list`];
//!   `prefix`: the past; [`diff`]: what changed since;
//! - [`job_book`]: the state of every job; [`jobs`](mod@jobs): how each stands, the worst first; [`hosts`](mod@hosts): those that do them;
//! - [`against`]: the log compared with what is there;
//! - [`sentence`](mod@sentence): an event in words; `replay_state` and `keys`: folds that find what does
//!   not fit;
//! - [`evidence`]: packs that an outsider verifies;
//! - [`as_of`], [`replay`], [`export`], [`verify`](mod@verify), and [`figures`] for metrics.

pub mod acts;
pub mod against;
pub mod alarms;
pub mod as_of;
pub mod booking_state;
pub mod bookings;
pub mod causes;
pub mod copies;
pub mod copy_list;
pub mod diff;
pub mod drives;
pub mod entry;
pub mod evidence;
pub mod export;
pub mod figures;
pub mod holdings;
pub mod hosts;
pub mod job_book;
pub mod jobs;
mod keys;
mod listed;
pub mod open_run;
pub mod page;
mod prefix;
pub mod process;
pub mod purges;
pub mod replay;
mod replay_state;
pub mod runs;
pub mod safety;
pub mod sentence;
pub mod status;
pub mod story;
pub mod subjects;
pub mod verify;
pub mod waiting;

#[cfg(test)]
mod samples;

pub use crate::acts::{ActEntry, acts};
pub use crate::against::{AgainstServer, AgainstServerError, Difference, DifferenceCounts, DifferenceKind, EventRef};
pub use crate::alarms::{AlarmEnd, AlarmEntry, AlarmFilter, RAISED, alarms, raised_alarms};
pub use crate::as_of::{AsOf, ParseAsOfError};
pub use crate::booking_state::{BookingState, CopyProof};
pub use crate::bookings::{BookingEntry, bookings};
pub use crate::causes::{Cause, causes};
pub use crate::copies::{BookingCopies, CopyOn, called, copies_of, known_drives};
pub use crate::copy_list::{CopyEntry, copies};
pub use crate::diff::{Change, ChangeCount, ChangeKind, Diff};
pub use crate::drives::{DriveEntry, drives};
pub use crate::entry::{DigestOf, EventEntry, Evidence, RecordedDigest};
pub use crate::export::Export;
pub use crate::figures::Figures;
pub use crate::holdings::{Holding, Holdings, holdings, holdings_by_path, month_of};
pub use crate::hosts::{HostEntry, HostSeen, HostState, hosts, hosts_seen, jobs_by_host};
pub use crate::job_book::JobBook;
pub use crate::jobs::{JobEntry, JobState, is_unproven, job_entry, jobs};
pub use crate::open_run::{OpenRun, does_jobs, open_run, open_runs};
pub use crate::page::{DEFAULT_PAGE, MAX_PAGE, Page, PageCursor, PageRequest, ParseCursorError, ViewError};
pub use crate::process::Process;
pub use crate::purges::{PurgeEntry, purges};
pub use crate::replay::{Replay, ReplayTotals};
pub use crate::runs::{RunEntry, RunState, runs};
pub use crate::safety::{Safety, SafetyReason};
pub use crate::sentence::sentence;
pub use crate::status::{Bookings, DriveState, LogHead, LogProblem, Observed, Status, failed_mail};
pub use crate::story::Story;
pub use crate::subjects::{SubjectEntry, statuses_of, subjects};
pub use crate::verify::{Bad, KnownRoot, VerifyReport, verify};
pub use crate::waiting::{WaitingError, waiting};
