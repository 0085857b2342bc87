//! How an operation ended, as the plugin says it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Counts, Describe, Evidence, Problem, Tool};

/// How an operation ended, as the plugin says it: the message `result`. The verdict is the host's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// One sentence for a person, of at most 300 characters.
    #[serde(default)]
    pub sentence: String,
    /// How many files.
    #[serde(default)]
    pub counts: Counts,
    /// Bytes transferred; for `plan`: that `run` would transfer; for `verify`: read.
    #[serde(default)]
    pub bytes: u64,
    /// A stable code of the cause, in lower case with hyphens, such as `source-missing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What a person can do, if a person must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// Whether trying again can help. The host decides when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// For `verify`: how the copy was proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// The tool that was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<Tool>,
    /// For `describe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub describe: Option<Describe>,
    /// For `validate`: what is wrong with the configuration; empty: nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

impl Report {
    /// A report without numbers.
    #[must_use]
    pub fn new(outcome: Outcome, sentence: impl Into<String>) -> Self {
        Self {
            outcome,
            sentence: sentence.into(),
            counts: Counts::default(),
            bytes: 0,
            cause: None,
            next_step: None,
            retry: None,
            evidence: None,
            tool: None,
            describe: None,
            problems: Vec::new(),
        }
    }

    /// With a cause's code.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// With what a person can do.
    #[must_use]
    pub fn next_step(mut self, step: impl Into<String>) -> Self {
        self.next_step = Some(step.into());
        self
    }

    /// With whether trying again can help.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = Some(retry);
        self
    }

    /// With numbers.
    #[must_use]
    pub fn counts(mut self, counts: Counts, bytes: u64) -> Self {
        (self.counts, self.bytes) = (counts, bytes);
        self
    }
}

/// How an operation ended. Later ones are worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There was nothing to do, for the reason that the sentence gives.
    Nothing,
    /// All of it was done.
    Done,
    /// Some of it was done; `item` messages name what was not.
    Partial,
    /// The target is not there, full or locked: nobody's fault, and no attempt is used up.
    Obstructed,
    /// It was cancelled.
    Cancelled,
    /// It was not done.
    Failed,
}

impl Outcome {
    /// Its name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Obstructed => "obstructed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// A person must do something first.
    Never,
    /// When the host likes.
    Later,
    /// Not before so many seconds.
    AfterS(u64),
}
