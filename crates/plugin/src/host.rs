//! Starts a plugin, holds it to its bounds, and judges how it ended.
//!
//! What [`run`] promises:
//! - the plugin is started from a list of arguments, never through a shell, in a new and empty folder, with a bare
//!   environment;
//! - the verdict is the host's: a plugin's own word is only ever made worse;
//! - whatever it prints, memory, the detail file and the answer stay bounded;
//! - secrets go to its standard input only, and are taken out of everything that is kept;
//! - when [`run`] returns, or is dropped, the process and its descendants are gone, as far as
//!   [`strongroom_service::process_tree`] says.

mod bounds;
mod clean;
mod detail;
mod digest;
mod ended;
mod environment;
mod kept;
mod launch;
mod lines;
mod obstacle;
mod reading;
mod redact;
mod seen;
mod session;
mod verdict;
mod workdir;

pub use self::bounds::Bounds;
pub use self::detail::{Detail, detail_of};
pub use self::digest::digest_of;
pub use self::ended::Ended;
pub use self::environment::Environment;
pub use self::launch::{Launch, Stdin};
pub use self::obstacle::Obstacle;
pub use self::redact::MIN_SECRET_BYTES;
pub(crate) use self::redact::Redactor;
pub(crate) use self::session::{Beside, Piece, Stream, run_beside};
pub use self::session::{Notice, run};
pub use self::verdict::{End, Stop, Verdict};
pub use self::workdir::remove_old_workdirs;
