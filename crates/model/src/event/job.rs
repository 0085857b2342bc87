//! Events of backup jobs: what is defined, what was asked for, and how each run ended.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::jobrun::{JobCounts, JobDetail, JobEvidence};
use crate::digest::Digest;
use crate::id::{HostName, JobRunId, TargetId};

/// When a job's runs are due. Either `cron` or `every_s`; without both, runs start only by request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobSchedule {
    /// The part of the day in which runs may start, such as `22:00-05:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<String>,
    /// A cron expression, as crontab(5) has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// The days of the week on which runs may start, Monday as 1; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<u8>,
    /// The time between two starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_s: Option<u64>,
    /// The IANA name of the zone that all of it is in.
    pub zone: String,
}

impl JobSchedule {
    /// Whether runs start only by request.
    #[must_use]
    pub const fn is_by_request(&self) -> bool {
        self.cron.is_none() && self.every_s.is_none()
    }
}

/// A job was set up, or its settings changed. Settings themselves stay on the job's host: they may name what is private.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobDefined {
    /// The digest of all settings but the secrets' values.
    pub digest: Digest,
    /// The host that has the data.
    pub host: HostName,
    /// The kind of job, such as `rsync`.
    pub kind: String,
    /// How old the last whole proof may be.
    pub max_age_s: u64,
    /// How many files a run may delete in the copy; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_delete: Option<u64>,
    /// The digest of the program that does the work, if it is not part of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<Digest>,
    /// How often copies are proven; absent: after each run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prove_every_s: Option<u64>,
    /// When runs are due.
    pub schedule: JobSchedule,
    /// The identity of the folder that is written to, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetId>,
    /// How long the copying may take, and how long the proof may.
    pub timeout_s: u64,
}

/// A job is not done any more: nothing is expected of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobRetired {
    /// Why.
    pub reason: String,
}

/// A run of the job was requested; the run's own stream has the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobRunDue {
    /// The run.
    pub run: JobRunId,
}

/// A run is to be ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobCancelRequested {
    /// Why.
    pub reason: String,
    /// The run.
    pub run: JobRunId,
}

/// How a run ended, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JobOutcome {
    /// The copy was read and is not what it should be.
    Damaged,
    /// Nothing, or not enough, was copied.
    Failed,
    /// A person or a limit ended it.
    Cancelled,
    /// Some of it was not copied.
    Partial,
    /// Copied, as far as the tool says; not read back.
    Copied,
    /// Copied, and the copy was read back or proven otherwise.
    Proven,
}

impl JobOutcome {
    /// Its label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Partial => "partial",
            Self::Copied => "copied",
            Self::Proven => "proven",
        }
    }
}

/// The last proof of all that a job copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WholeProof {
    /// What the newest part of it rests on.
    pub evidence: JobEvidence,
    /// Since then every file was read at least once.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Timestamp,
}

/// A run has ended. It carries what the next run and a reader need, so that neither reads older events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobRunEnded {
    /// The counts.
    pub counts: JobCounts,
    /// Since when the copy is known to be damaged, until it is proven as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub damaged_since: Option<Timestamp>,
    /// The tool's own log of an operation that failed or was ended, as it was when the run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<JobDetail>,
    /// Runs in a row that did not end well.
    pub failures: u32,
    /// A person's next step, if one is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// How it ended.
    pub outcome: JobOutcome,
    /// When each part of the copy was last read and found right, where it is read in parts; `null`: not yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Option<String>>")]
    pub parts: Vec<Option<Timestamp>>,
    /// The last whole proof, of this run or of an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<WholeProof>,
    /// When copies were last proven, in part or whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub proven_at: Option<Timestamp>,
    /// Whether the job's kind proves nothing, so that no proof is missed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub proves_nothing: bool,
    /// The run.
    pub run: JobRunId,
    /// What happened, for a person.
    pub sentence: String,
    /// What the kind of job remembers for its next run: JSON of 16 KiB at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}
