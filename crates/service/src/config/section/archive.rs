//! `[archive]`

use schemars::JsonSchema;
use serde::Serialize;
use strongroom_model::wire::MAX_ITEMS;

/// How bookings are marked and moved on the server.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct ArchiveSection {
    /// How many bookings are marked and moved with one request, at most.
    #[config(default = 200, validate(*batch >= 1 && *batch as usize <= MAX_ITEMS, "it must be from 1 to 1000"))]
    pub batch: u32,
}
