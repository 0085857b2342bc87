//! A client of the document server's HTTP API.
//!
//! Nothing that a server (or a middlebox) sends can make it wait for ever, fill the memory, follow to another host, or
//! take a wrong length for a whole file. It does not retry, apart from a refused resumption and a closed kept
//! connection: callers decide by [`SourceError::obstacle`], [`SourceError::failure_kind`] and
//! [`SourceError::is_passing`].
//!
//! In reading order: `settings`, `client`, `list`, `all`, `download`, `marks` (and moves), `purges`, `restore`,
//! `guard`, `cause`, [`error`].

mod all;
mod answer;
mod body;
mod cause;
mod client;
mod download;
pub mod error;
mod frame;
mod gate;
mod guard;
mod list;
mod marks;
mod purges;
mod range;
mod restore;
mod settings;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;

pub use crate::all::BookingPage;
pub use crate::cause::{Cause, NoConnection};
pub use crate::client::Source;
pub use crate::download::Download;
pub use crate::error::{SourceError, no_storage};
pub use crate::guard::Guard;
pub use crate::list::{Offer, Page, ServerHealth, Unusable};
pub use crate::settings::{SettingsError, SourceSettings};
