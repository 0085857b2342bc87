//! A client of the document server's HTTP API.
//!
//! What it promises: nothing that a server (or whoever stands between) sends can make it
//! wait for ever, fill the memory, follow it to another host, or take a wrong length for a
//! whole file. It tries nothing again by itself, but for the one request that a refused
//! resumption costs; whether and when to try again is the caller's to choose, by
//! [`SourceError::obstacle`], [`SourceError::failure_kind`] and [`SourceError::is_passing`].
//!
//! In reading order:
//! - [`settings`]: where the server is and how long to wait for it;
//! - [`client`]: [`Source`], and how one request is sent;
//! - [`list`]: which bookings wait, each record taken as hostile;
//! - [`download`]: a timesheet's bytes, from any offset;
//! - [`tell`]: marks and moves;
//! - [`guard`]: whether a server that failed works again;
//! - [`cause`] and [`error`]: what went wrong, whose fault it is and what a person does about it;
//! - `answer`, `frame`, `body`, `gate`, `range` and `transport`: bounded JSON cut into its parts, paced bytes,
//!   `Retry-After`, `Content-Range` and what reqwest's errors mean.

mod answer;
mod body;
pub mod cause;
pub mod client;
pub mod download;
pub mod error;
mod frame;
mod gate;
pub mod guard;
pub mod list;
mod range;
pub mod settings;
pub mod tell;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;

pub use crate::cause::{Cause, NoConnection};
pub use crate::client::Source;
pub use crate::download::Download;
pub use crate::error::{SourceError, no_storage};
pub use crate::guard::Guard;
pub use crate::list::{Health, Offer, Page, Unusable};
pub use crate::settings::{SettingsError, SourceSettings};
