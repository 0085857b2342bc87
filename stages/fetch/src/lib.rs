//! Brings files onto the drive: many at once, each as far as it came, all durable before
//! anybody is told.
//!
//! Takes [`TimesheetEnumerated`](strongroom_model::Event::TimesheetEnumerated), gives
//! [`TimesheetFetched`](strongroom_model::Event::TimesheetFetched): see the README beside this
//! crate for the whole table. Whether the bytes are the right ones is for verify to say.
//!
//! In reading order:
//! - [`settings`]: what an operator says;
//! - [`stage`]: what is looked at before a batch is begun;
//! - `batch`: its downloads, and the groups in which they are made durable;
//! - `wanted`: one file that is to come, and `one`: how it comes;
//! - `gather` and `stream`: small files by way of memory, others piece by piece;
//! - `group`: what is made durable together;
//! - `fate`: what an error means for the file, its batch and the stage;
//! - [`meter`]: how many bytes have come.

mod batch;
mod fate;
mod gather;
mod group;
pub mod meter;
mod one;
pub mod settings;
pub mod stage;
mod stream;
mod wanted;

pub use crate::meter::Meter;
pub use crate::settings::FetchSettings;
pub use crate::stage::Fetch;
