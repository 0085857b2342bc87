//! Summaries: mails that tile the log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::Position;

/// A summary's number and interval are fixed. Its text follows from the log alone, so
/// that it can be written again, to the letter, if we stop before it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SummaryComposed {
    /// The first position that it covers: where the one before it ended.
    pub from: Position,
    /// The mail's Message-ID, without angle brackets: the same at every attempt.
    pub message_id: String,
    /// Its number, from 1, without gaps.
    pub number: u64,
    /// The RFC 6962 root over every event before `to`, in base64: with `to`, a checkpoint.
    pub root: String,
    /// What it is about, such as `the night of 2026-11-20`.
    pub title: String,
    /// The first position that it no longer covers.
    pub to: Position,
}

/// A summary was handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SummarySent {
    /// The mail's Message-ID, without angle brackets.
    pub message_id: String,
    /// Who took it: the mail server's reply, or the file's name.
    pub receipt: String,
}
