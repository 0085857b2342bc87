//! Events of a summary.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::Position;

/// A summary's interval is fixed. Its text follows from the log: if we stop before it is sent, the same is rendered
/// again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SummaryComposed {
    /// The previous summary's end.
    pub from: Position,
    /// Every attempt's Message-ID, without angle brackets.
    pub message_id: String,
    /// Its number, from 1, without gaps.
    pub number: u64,
    /// The RFC 6962 root before `to`, in base64: a checkpoint.
    pub root: String,
    /// Such as `the night of 2026-11-20`.
    pub title: String,
    /// The first position not covered.
    pub to: Position,
}

/// A summary was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SummarySent {
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// The mail server's reply, or a file name.
    pub receipt: String,
}
