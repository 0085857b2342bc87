//! Downloads files onto the drive, concurrently and resumably; durable before any event says so.
//!
//! [`TimesheetEnumerated`](strongroom_model::Event::TimesheetEnumerated) in,
//! [`TimesheetFetched`](strongroom_model::Event::TimesheetFetched) out; the README has the whole table. Verify decides
//! whether the bytes are right.
//!
//! In reading order: `stage`, `batch`, `download`, `gather` (small files) and `stream` (others), `group` (one sync),
//! `fate` (errors).

mod batch;
mod download;
mod fate;
mod gather;
mod group;
mod meter;
mod settings;
mod stage;
mod stream;
mod transfer;

pub use crate::meter::Meter;
pub use crate::settings::FetchSettings;
pub use crate::stage::Fetch;
