use serde::{Deserialize, Serialize};

/// Proof that marks' events are in the site's log (RFC 6962), under a checkpoint that the site signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MarkEvidence {
    /// A C2SP signed note: the log's size and root.
    #[cfg_attr(feature = "openapi", schema(max_length = 16384))]
    pub checkpoint: String,
    /// The events; a mark refers to its own by its id.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    pub events: Vec<EvidenceEvent>,
}

/// An event, and its way to the checkpoint's root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EvidenceEvent {
    /// Its exact stored bytes: the tree's leaf. They hold its position.
    pub bytes: String,
    /// The siblings' hashes in base64, from the leaf's up.
    #[cfg_attr(feature = "openapi", schema(max_items = 63))]
    pub proof: Vec<String>,
}
