//! A site's event log: append, read, tail, verify. Positions are gapless and in commit order (rule R4), an append is
//! all or nothing and durable on return (rule R3), and RFC 6962's tree is over the stored bytes. Rows of events are
//! never updated or deleted: the database refuses it. What is pending and due is a projection of each stream's last
//! event, moved in the same transaction.

mod appender;
mod backlog;
mod checkpoint;
mod copy;
pub mod error;
mod import;
pub mod log;
mod measure;
mod plan;
mod postgres;
mod prepared;
mod projection;
mod reading;
mod row;
mod signs;
mod sqlite;
pub mod stored;
mod stream_head;
mod tail;
mod unreadable;
pub mod verify;

pub use crate::backlog::StageBacklog;
pub use crate::checkpoint::Comparison;
pub use crate::copy::CopyError;
pub use crate::error::{AppendError, LogError, OpenError, StorageError, Unwritable};
pub use crate::import::{Import, ImportError};
pub use crate::log::{EventLog, POLL, Work};
pub use crate::plan::{MAX_APPEND_EVENTS, MAX_EVENT_BYTES};
pub use crate::postgres::{ClaimOutcome, Migrated, RunClaim, grant_postgres, migrate_postgres};
pub use crate::reading::MAX_READ;
pub use crate::stored::Stored;
pub use crate::stream_head::StreamHead;
pub use crate::verify::{Damage, Fault, Verification};
