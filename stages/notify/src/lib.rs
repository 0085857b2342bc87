//! Notify: tells people, by mail.
//!
//! What it promises:
//! - Summaries tile the log (rule R7): each covers an exact interval of positions, and the
//!   next begins where it ended. [`compose()`] fixes the interval in the log; the stage sends
//!   it. The mail follows from the log alone, so that it reads the same, to the letter,
//!   whenever it is sent again.
//! - Silence is never success (rule R8): zero is stated with its reason, and what is not
//!   known is said to be unknown.
//! - An alarm's beginning and its end go out at once, each told once. Those that are
//!   pending together share a mail; where one kind fills mail after mail, the next ones wait (`pace`).
//! - No mail is lost, and none holds up the pipeline: one that cannot be handed over is
//!   tried again for ever, by events in the log.
//! - A mail may go out twice if the process dies between the mail server's answer and its
//!   record: SMTP knows no transactions. Both have one Message-ID, so that readers' programs
//!   can tell.
//!
//! In reading order:
//! - [`notice`]: what it works on; [`stage`]: how;
//! - [`summary`]: a summary's interval, content and verdict; `alarm`: a mail about alarms;
//! - [`mail`] and [`message`]: a mail, and its bytes;
//! - [`post`]: into a folder, or to a mail server; [`settings`]: which, and to whom;
//! - `words`, `kind`, `filters`: numbers, times and alarms as people read them.

mod alarm;
mod filters;
mod kind;
pub mod mail;
pub mod message;
pub mod notice;
mod pace;
pub mod post;
pub mod settings;
pub mod stage;
pub mod summary;
mod words;

pub use crate::mail::Mail;
pub use crate::notice::Notice;
pub use crate::post::Post;
pub use crate::settings::{Settings, SettingsError};
pub use crate::stage::{Notify, tell_unrecorded};
pub use crate::summary::{ComposeError, compose, compose_after, last_composed};
