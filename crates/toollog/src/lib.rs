//! Reads what robocopy, rsync, rclone and restic print, and says in one sentence what happened.
//!
//! Pure: bytes and an exit code in, a [`Report`] out. Nothing is installed, started or looked up. A log is
//! read once, as a stream, with bounded memory; no input panics. Numbers are found by their position and exit codes
//! by their tables: words are not matched where a tool translates them (robocopy), so the language does not matter.
//!
//! - [`Tool`], [`Outcome`], [`Cause`], [`Counts`], [`Item`]: the vocabulary; [`Run`] and [`Report`];
//! - [`text`](mod@text): bytes to lines, in any encoding; [`number`]: figures as the tools print them;
//! - [`robocopy`], [`rsync`], [`rclone`], [`restic`]: a reader of lines and a judge for each;
//! - [`is_progress`]: what need not be kept of a log;
//! - [`read`](mod@read): all of them at once; [`adopt`] and [`recognise`].

pub mod items;
pub mod number;
pub mod outcome;
mod progress;
pub mod rclone;
pub mod read;
pub mod report;
pub mod restic;
pub mod robocopy;
pub mod rsync;
mod sentence;
pub mod text;
pub mod tool;

pub use crate::items::{Item, Items};
pub use crate::outcome::{Cause, Counts, Outcome, Retry};
pub use crate::progress::is_progress;
pub use crate::read::{Reading, adopt, read, recognise};
pub use crate::report::{Report, Run, Verdict};
pub use crate::tool::Tool;
