//! The document server: it holds bookings' timesheets until copies of them are proven.
//!
//! What it promises:
//! - A digest is computed when a file is uploaded or imported, never at download: later copies are proven against it.
//! - What it has answered survives a power cut. An upload, a move and a purge are recorded before a file is touched,
//!   and their results after; what a process that died left half done is finished at the next start.
//! - No file is moved without a proof, and none is deleted without proofs on several drives and an approval (R5).
//! - Everything from a client is hostile (R9): names never become paths, bodies and times are bounded, and no link is
//!   followed below the document root.
//!
//! In reading order:
//! - [`settings`], [`token`]: configuration and access;
//! - `path`, `name`, `root`, `session`, `root_id`: files below the document root, live processes, and whether it is
//!   the right root;
//! - [`store`]: the records;
//! - [`documents`]: both together; `unchanged`, `move_file`, `cross_device`, `settle`, `reconcile`: carrying out what was
//!   recorded;
//! - `bookings`, `mark`, `evidence`, `archive`, `relocate`, `purge`: the requests;
//! - [`import`]: filling it from a folder or a list;
//! - `http`, [`server`]: the HTTP interface.

mod answer;
mod archive;
mod bookings;
mod bytes;
mod cross_device;
mod disk_error;
pub mod documents;
mod evidence;
mod http;
pub mod import;
mod incoming;
mod mark;
mod move_file;
mod name;
mod path;
mod probe;
mod purge;
mod put_back;
mod reconcile;
mod relocate;
mod root;
mod root_id;
pub mod server;
mod session;
pub mod settings;
mod settle;
pub mod store;
pub mod token;
mod trouble;
mod unchanged;

pub use crate::documents::{Documents, OpenError};
pub use crate::http::{TransferCut, openapi_json};
pub use crate::import::{ImportError, ImportReport, Progress, import_csv, import_folder};
pub use crate::reconcile::Reconciled;
pub use crate::server::{ServeError, Server};
pub use crate::settings::{Limits, Settings};
pub use crate::store::{Database, Store, StoreError, Unusable};
