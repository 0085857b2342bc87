//! The demo: the whole job in one folder, with a document server of its own.
//!
//! - [`folder`]: what lies where, and the configuration that says so;
//! - [`timesheet`], [`bookings`] and [`fault`]: what the server holds, and what is wrong with it;
//! - [`stage`](mod@stage): does the job; [`story`]: tells what happened, with commands that can be
//!   [`typed`].

pub(crate) mod bookings;
pub(crate) mod fault;
pub(crate) mod folder;
pub(crate) mod stage;
pub(crate) mod story;
pub(crate) mod timesheet;
pub(crate) mod typed;
