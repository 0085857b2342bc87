//! The vocabulary of Strongroom: ids, quantities, digests, events, their folds
//! and the document server's wire types.
//!
//! Nothing here does I/O, reads a clock or waits. Time, randomness and bytes come
//! in as arguments, so that live stages, replay, the console and the tests all
//! share one meaning of what happened.
//!
//! In reading order:
//! - [`id`], [`quantity`], [`digest`]: the words that every event is made of;
//! - [`stream`]: whose events they are;
//! - [`event`]: the catalogue, one file for each kind of subject;
//! - [`envelope`]: an event as CloudEvents JSON, in the bytes that the log keeps, and
//!   `canonical`: how these are written;
//! - [`fold`]: state as a fold over events, and [`booking`], [`run`], [`alarm`],
//!   [`summary`]: the four folds;
//! - [`drive_use`]: what tells a drive from its clone;
//! - [`failure`]: why work could not be done, and what comes next;
//! - [`flow`]: which stage an event hands its subject to; [`status`]: where that leaves the subject, and what its work is
//!   bound to; [`booking_status`]: how many bookings stand where;
//! - [`presence`]: signs of life of processes, and what is missing for the work that waits;
//! - [`compare`]: what three digests say together;
//! - [`wire`]: what the document server and its clients say to each other.

pub mod alarm;
pub mod booking;
pub mod booking_status;
mod canonical;
pub mod compare;
pub mod digest;
pub mod drive_use;
pub mod envelope;
pub mod event;
pub mod failure;
pub mod flow;
pub mod fold;
pub mod id;
pub mod presence;
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
pub use crate::id::{Actor, BookingId, DriveId, EventId, RunId, SiteId, UseToken};
pub use crate::quantity::{ByteCount, Month, Position, Version};
pub use crate::status::{Partition, Status, partition_after, partition_of, status_after, status_of};
pub use crate::stream::{StreamName, SubjectKind};
