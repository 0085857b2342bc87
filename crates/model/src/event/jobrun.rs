//! Events of one run of a job: requested, started, transferred, proven.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::{HostName, JobName};
use crate::quantity::ByteCount;

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JobTrigger {
    /// The job's schedule.
    Schedule,
    /// A person.
    Person,
}

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JobWork {
    /// Copy, and leave the proof to a later run.
    Transfer,
    /// Copy, then prove.
    TransferAndProve,
    /// Prove what is there.
    Prove,
}

/// A run of a job is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobRunRequested {
    /// When it was due, by the schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub due: Option<Timestamp>,
    /// The host that has the data.
    pub host: HostName,
    /// The job.
    pub job: JobName,
    /// What started it.
    pub trigger: JobTrigger,
    /// What it does.
    pub work: JobWork,
}

/// The work began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobRunStarted {
    /// The digest of the job's settings then.
    pub digest: Digest,
    /// The host.
    pub host: HostName,
    /// The job's kind.
    pub kind: String,
    /// The digest of the program that does it, if it is not part of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<Digest>,
}

/// Counts of files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct JobCounts {
    /// Newly written, or written again.
    pub copied: u64,
    /// Deleted in the copy.
    pub deleted: u64,
    /// In the copy, and not in the source.
    pub extra: u64,
    /// Not copied, though they should have been.
    pub failed: u64,
    /// Of another kind on the two sides, or of another content than they should be.
    pub mismatched: u64,
    /// Read in the copy, and as they should be.
    pub proven: u64,
    /// Looked at in the source.
    pub seen: u64,
    /// Already there, or left out by a setting.
    pub skipped: u64,
}

/// One file that a run has something to tell of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobItem {
    /// The tool's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The tool's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What became of it, such as `failed` or `deleted`.
    pub outcome: String,
    /// Its path, as far as it can be shown.
    pub path: String,
    /// Its path in base64, where it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_b64: Option<String>,
}

/// The tool's own log of a run, in the data folder of the run's host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobDetail {
    /// Its path below the data folder.
    pub path: String,
    /// Its digest.
    pub sha256: Digest,
    /// Its size.
    pub size_bytes: ByteCount,
    /// Whether its middle was left out, being too long.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// The program that did the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobTool {
    /// Its exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// Its name.
    pub name: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// What a proof rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobEvidence {
    /// Bytes read in the copy.
    pub bytes: ByteCount,
    /// How much of the copy was read, in words, such as `every file was read within 30 days`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<String>,
    /// Files read in the copy.
    pub files: u64,
    /// How, such as `sha256` or `tool`.
    pub method: String,
    /// How many parts there are, if one of them was read; they are read in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// Which of them was read, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<u64>,
    /// Whether it was read past caches, such as `direct`; absent: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_back: Option<String>,
}

/// The tool is done. It says that it copied; nothing is proven yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobRunTransferred {
    /// Bytes copied.
    pub bytes: ByteCount,
    /// Counts of files.
    pub counts: JobCounts,
    /// The tool's own log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<JobDetail>,
    /// The host.
    pub host: HostName,
    /// The first files to tell of, 100 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<JobItem>,
    /// Files to tell of in all.
    pub items_total: u64,
    /// A person's next step, if one is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// Whether the copy is proven next.
    pub prove: bool,
    /// What happened, for a person.
    pub sentence: String,
    /// What the kind of job remembers for its next run: JSON of 16 KiB at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The program that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<JobTool>,
}

/// The copy was examined: what was found, good or bad.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobRunVerified {
    /// When the reading began: what was written later is not proven by it.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub began_at: Timestamp,
    /// Counts of files.
    pub counts: JobCounts,
    /// The tool's own log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<JobDetail>,
    /// What was read, and how.
    pub evidence: JobEvidence,
    /// The first files to tell of, 100 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<JobItem>,
    /// Files to tell of in all.
    pub items_total: u64,
    /// A person's next step, if one is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// What was found, for a person.
    pub sentence: String,
    /// What the kind of job remembers for its next run: JSON of 16 KiB at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The program that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<JobTool>,
}

/// Methods that show no content (rule R10): sizes and times only, and none at all.
const NO_PROOF: [&str; 2] = ["sizes", JobEvidence::NONE];

impl JobEvidence {
    /// The method of a kind of job that proves nothing.
    pub const NONE: &str = "none";
}

impl JobRunVerified {
    /// Whether everything that was looked at is as it should be.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.counts.failed == 0 && self.counts.mismatched == 0
    }

    /// Whether it shows what the copy holds, and that this is right.
    #[must_use]
    pub fn is_proof(&self) -> bool {
        self.is_good() && !NO_PROOF.contains(&self.evidence.method.as_str())
    }
}

/// The run was ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobRunCancelled {
    /// Why.
    pub reason: String,
}
