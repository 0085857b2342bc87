//! `[schedule]`

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::value::Period;
use crate::schedule::Window;

/// When `strongroom run` starts runs by itself.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct ScheduleSection {
    /// The time from one run's start to the next one's. A run that takes longer overlaps
    /// the next, which takes other bookings.
    #[config(default = "2m", validate(!every.get().is_zero(), "it must be longer than nothing"))]
    pub every: Period,

    /// The hours in which runs start, such as "23:00-05:00", in `time_zone`. Unset: always.
    #[schemars(with = "Option<String>")]
    pub between: Option<Window>,

    /// How late a run may be before an alarm says so.
    #[config(default = "15m")]
    pub grace: Period,
}
