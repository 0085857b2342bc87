//! Ids, digests, events, their folds, and the document server's wire types. Nothing here does I/O, reads a clock or
//! waits: time, randomness and bytes are arguments.

pub mod alarm;
pub mod booking;
mod booking_status;
mod canonical;
pub mod compare;
pub mod copy;
pub mod custody;
pub mod digest;
pub mod drive_state;
pub mod drive_use;
pub mod envelope;
pub mod event;
pub mod failure;
pub mod flow;
pub mod fold;
pub mod host;
pub mod id;
pub mod job;
mod macros;
pub mod presence;
pub mod purge;
pub mod quantity;
pub mod run;
#[cfg(feature = "sample-family")]
pub mod sample;
pub mod status;
pub mod stream;
pub mod summary;
pub mod text;
pub mod wire;

pub use crate::booking_status::{BookingCounts, BookingStatus};
pub use crate::digest::{Algorithm, Digest, Hasher};
pub use crate::drive_use::{DriveUse, Lineage};
pub use crate::envelope::{Expected, NewEvent, Recorded};
pub use crate::event::{AlarmKind, Event, FailureKind};
pub use crate::failure::{Failure, Fate};
pub use crate::flow::{Next, StageName, next_step};
pub use crate::fold::{Fold, IllegalTransition};
pub use crate::id::{
    Actor, BookingId, CustodyId, DriveId, EventId, HostName, JobName, JobRunId, PurgeId, RunId, SiteId, TargetId,
    UseToken,
};
pub use crate::quantity::{ByteCount, Month, Position, Version};
pub use crate::status::{Partition, Status, partition_after, partition_of, status_after, status_of};
pub use crate::stream::{StreamName, SubjectKind};
