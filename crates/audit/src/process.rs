//! The processes of a site, by the signs of life that they give.

use jiff::Timestamp;
use serde::Serialize;
use strongroom_model::presence::{Seen, Sign};

/// A process of the site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Process {
    /// Whether it is there: `alive`, `ended` (in order) or `gone`.
    pub state: &'static str,
    /// When it gave its last sign of life.
    pub last_sign_at: Timestamp,
    /// What it reported of itself then.
    #[serde(flatten)]
    pub sign: Sign,
}

impl Process {
    /// The process that gave that sign, as of `now`.
    #[must_use]
    pub fn of(seen: Seen, now: Timestamp) -> Self {
        let state = match (seen.is_alive(), seen.sign.has_ended) {
            (true, _) => "alive",
            (false, true) => "ended",
            (false, false) => "gone",
        };
        Self { state, last_sign_at: now.checked_sub(seen.age).unwrap_or(now), sign: seen.sign }
    }
}
