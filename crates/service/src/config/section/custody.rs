//! `[custody]`

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::value::Period;

/// How drives are looked after.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct CustodySection {
    /// On how many drives a file must be proven before its copy on the server may be purged, or a drive
    /// retired: 1 to 16.
    #[config(default = 2, validate(*copies >= 1 && *copies <= 16, "it must be from 1 to 16"))]
    pub copies: u32,

    /// How old a copy's last proof may be to count for a purge.
    #[config(default = "90d")]
    pub evidence_fresh_for: Period,

    /// How often every copy on the mounted drive is read back again, before its proofs are too old. Any
    /// drive is read at once with `strongroom drive verify`.
    #[config(default = "80d")]
    pub verify_every: Period,

    /// How often files chosen at random are restored to a scratch folder, to show that they can be.
    /// Unset: only with `strongroom restore --drill`.
    pub drill_every: Option<Period>,

    /// How many files such a drill restores: 1 to 1000.
    #[config(default = 20, validate(*drill_files >= 1 && *drill_files <= 1000, "it must be from 1 to 1000"))]
    pub drill_files: u32,
}
