//! A site's event log: append, read, tail, verify.
//!
//! What it promises:
//! - Positions are gapless and given in commit order, whoever appends: no reader can skip
//!   an event (rule R4). The order is the position's; no clock has a say in it.
//! - An append is all or nothing and names the version that it expects of each stream: a
//!   duplicate loses that race and changes nothing (rule R3). When it returns, it is durable.
//! - What is stored are the event's exact bytes, and RFC 6962's tree is over these.
//! - Rows are never updated or deleted: the database refuses it.
//! - What is pending, due and how bookings stand is a projection of the streams' last
//!   events, moved in the same transaction, and made again from the events at any time.
//!
//! In reading order:
//! - [`log`]: [`EventLog`], the one type that callers see;
//! - [`error`]: what can go wrong, and what is known to be stored when it does;
//! - [`stored`], [`stream_head`] and `backlog`: what a log gives back;
//! - [`merkle`]: the tree, as its frontier;
//! - `prepared`: an event that is ready to be stored, all but its position;
//! - `plan`: what a group of appends does to a log, decided purely;
//! - `appender`: the one task that writes, and `measure`: what it tells of itself;
//! - `tail`: a reader that goes on for ever;
//! - [`verify`]: what is recomputed, and what can be wrong;
//! - `signs`: signs of life of processes, which are no events;
//! - `unreadable`: events that only a later version can read;
//! - `reading` and `row`: what reading has in common, whichever database holds the log;
//! - `sqlite`: the log in one SQLite file, the schema in `schemas/sqlite/eventlog/`;
//! - `postgres`: logs in a Postgres database, the schema in `schemas/postgres/eventlog/`;
//! - `copy`: from one to the other, byte for byte; `import`: from an export.

mod appender;
mod backlog;
mod checkpoint;
mod copy;
pub mod error;
mod import;
pub mod log;
mod measure;
pub mod merkle;
mod plan;
mod postgres;
mod prepared;
mod projection;
mod reading;
mod row;
mod signs;
mod sqlite;
pub mod stored;
pub mod stream_head;
mod tail;
mod unreadable;
pub mod verify;

pub use crate::backlog::StageBacklog;
pub use crate::checkpoint::{Checkpoint, Comparison, MAX_CHECKPOINT_BYTES, ParseCheckpointError};
pub use crate::copy::CopyError;
pub use crate::error::{AppendError, LogError, OpenError, StorageError, Unwritable};
pub use crate::import::{Import, ImportError};
pub use crate::log::{EventLog, POLL, Work};
pub use crate::plan::{MAX_APPEND_EVENTS, MAX_EVENT_BYTES};
pub use crate::postgres::{Claimed, Migrated, RunClaim, grant_postgres, migrate_postgres};
pub use crate::reading::MAX_READ;
pub use crate::stored::{Head, ParseHeadError, Stored};
pub use crate::stream_head::StreamHead;
pub use crate::verify::{Damage, Fault, Verification};
