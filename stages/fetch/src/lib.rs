//! Downloads files onto the drive, concurrently and resumable, durable before any event says so.
//!
//! Takes [`TimesheetEnumerated`](strongroom_model::Event::TimesheetEnumerated), gives
//! [`TimesheetFetched`](strongroom_model::Event::TimesheetFetched): see the README beside this
//! crate for the whole table. Whether the bytes are the right ones is for verify to say.
//!
//! In reading order:
//! - [`settings`]: what is configured;
//! - [`stage`]: what is looked at before a batch is begun;
//! - `batch`: its downloads, and the groups in which they are committed;
//! - `transfer`: one file to download, and `download`: its way;
//! - `gather` and `stream`: small files by way of memory, others chunk by chunk;
//! - `group`: files that are committed together;
//! - `fate`: what an error means for the file, its batch and the stage;
//! - [`meter`]: received bytes.

mod batch;
mod download;
mod fate;
mod gather;
mod group;
pub mod meter;
pub mod settings;
pub mod stage;
mod stream;
mod transfer;

pub use crate::meter::Meter;
pub use crate::settings::FetchSettings;
pub use crate::stage::Fetch;
