//! A client of the document server's HTTP API.
//!
//! Nothing that a server (or a middlebox) sends can make it wait for ever, fill the memory, follow to another host, or
//! take a wrong length for a whole file. It does not retry, apart from a refused resumption and a closed kept
//! connection: callers decide by [`SourceError::obstacle`], [`SourceError::failure_kind`] and
//! [`SourceError::is_passing`].
//!
//! In reading order: `settings`, `client`, `list`, `download`, `tell` (marks and moves), `guard`,
//! `cause`, [`error`].

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
