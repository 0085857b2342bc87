//! Sends mails to people.
//!
//! - Summaries tile the log (R7): each covers an exact interval of positions, and the next begins where it ends.
//!   [`compose()`] records the interval; the stage sends the mail. Its content follows from the log alone, so repeated
//!   mails are identical.
//! - Silence is never success (R8): zero has a reason, and unknown is called unknown.
//! - An alarm's beginning and end are mailed at once, each once. Alarms pending together share a mail; if one kind
//!   fills mail after mail, the next ones wait (`pace`).
//! - No mail is lost or blocks the pipeline: it is retried for ever, by events in the log.
//! - A mail is sent twice if the process dies between the server's answer and its record: SMTP has no transactions.
//!   Both have one Message-ID.
//!
//! In reading order: `notice`, `stage`, [`summary`], `alarm`, `mail`, [`message`] (MIME), [`post`], `settings`,
//! `format_text` (formatting).

mod alarm;
mod filters;
mod format_text;
mod kind;
mod mail;
pub mod message;
mod notice;
mod pace;
pub mod post;
mod settings;
mod stage;
pub mod summary;

pub use crate::mail::Mail;
pub use crate::message::CHECKPOINT_FILE;
pub use crate::notice::Notice;
pub use crate::post::Post;
pub use crate::settings::{Settings, SettingsError};
pub use crate::stage::{Cosign, Notify, mail_unrecorded};
pub use crate::summary::{ComposeError, compose, compose_after, last_composed};
