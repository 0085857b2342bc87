//! Calendar expressions of schedulers (cron's, with the semantics of cronie, and systemd's) and the instants that they name
//! in a time zone.
//! Pure functions: the instant and the zone are arguments, nothing is read, and no input panics.

mod cron;
mod on_calendar;
mod search;
mod wall;
mod words;

pub use crate::cron::{Cron, CronError, FieldProblem, MAX_CRON_CHARS};
pub use crate::on_calendar::{MAX_ON_CALENDAR_CHARS, OnCalendar, OnCalendarError};
pub use crate::wall::ClockChange;
