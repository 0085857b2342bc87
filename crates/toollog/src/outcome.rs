//! How a run ended, in the words of the plugin protocol.

use serde::Serialize;

/// How a run ended. Ordered by how bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// There was nothing to copy, and that is stated.
    Nothing,
    /// All of it was copied.
    Done,
    /// Some of it was not copied.
    Partial,
    /// It was stopped from outside.
    Cancelled,
    /// Something was not there that nobody's mistake took away: a target, a network, space.
    Obstructed,
    /// It failed, or nothing shows that it ended.
    Failed,
}

impl Outcome {
    /// As it is written in events and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Cancelled => "cancelled",
            Self::Obstructed => "obstructed",
            Self::Failed => "failed",
        }
    }

    /// Whether the tool did what it was asked to do. It is not proven by that.
    #[must_use]
    pub const fn is_well(self) -> bool {
        matches!(self, Self::Nothing | Self::Done)
    }
}

/// Why a run did not end well: a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The log does not show that the tool ended.
    NotEnded,
    /// The tool was called in a way that it does not understand.
    UsageError,
    /// The source, or one of the sources, is not there.
    SourceMissing,
    /// The source is there, and nothing is in it.
    SourceEmpty,
    /// Some files could not be read or written.
    FilesFailed,
    /// The target is not there.
    TargetMissing,
    /// The target has no space left.
    TargetFull,
    /// Nothing can be written to the target: it is mounted read-only.
    TargetReadOnly,
    /// The network, the share or the server cannot be reached.
    Unreachable,
    /// The limit of deletions was reached.
    WouldDeleteTooMuch,
    /// A limit of the call (time, bytes) was reached.
    LimitReached,
    /// Another process holds the repository's lock.
    Locked,
    /// The password is wrong, or a key is missing.
    WrongPassword,
    /// There is no repository.
    RepositoryMissing,
    /// What is stored is damaged.
    Damaged,
    /// Source and target differ.
    Differs,
    /// The numbers of the log contradict each other.
    Inconsistent,
    /// A person or the system stopped it.
    Stopped,
    /// The tool failed in another way, or with a code that is not known.
    ToolFailed,
}

impl Cause {
    /// As it is written in events and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotEnded => "not-ended",
            Self::UsageError => "usage-error",
            Self::SourceMissing => "source-missing",
            Self::SourceEmpty => "source-empty",
            Self::FilesFailed => "files-failed",
            Self::TargetMissing => "target-missing",
            Self::TargetFull => "target-full",
            Self::TargetReadOnly => "target-read-only",
            Self::Unreachable => "unreachable",
            Self::WouldDeleteTooMuch => "would-delete-too-much",
            Self::LimitReached => "limit-reached",
            Self::Locked => "locked",
            Self::WrongPassword => "wrong-password",
            Self::RepositoryMissing => "repository-missing",
            Self::Damaged => "damaged",
            Self::Differs => "differs",
            Self::Inconsistent => "inconsistent",
            Self::Stopped => "stopped",
            Self::ToolFailed => "tool-failed",
        }
    }
}

/// Whether trying again may help without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// A person must act first.
    Never,
    /// Later it may work.
    Later,
}

/// What was counted, in files unless a tool counts otherwise. What a tool does not report is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// In the source.
    pub seen: u64,
    /// Written to the target; in a dry run, what would be.
    pub copied: u64,
    /// Left as they were, mostly since they were there already.
    pub skipped: u64,
    /// Deleted from the target; in a dry run, what would be.
    pub deleted: u64,
    /// Only in the target, and left there.
    pub extra: u64,
    /// A file on one side and a folder on the other, or different where they were compared.
    pub mismatched: u64,
    /// Not copied, though they should have been.
    pub failed: u64,
}
