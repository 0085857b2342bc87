//! `[enumerate]`

use schemars::JsonSchema;
use serde::Serialize;
use strongroom_model::wire::MAX_LIST;

/// Which bookings a run claims.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct EnumerateSection {
    /// How many of the oldest signed-off bookings one run claims, at most: 1 to 1000.
    #[config(default = 100, validate(*oldest >= 1 && *oldest <= MAX_LIST, "it must be from 1 to 1000"))]
    pub oldest: u32,
}
