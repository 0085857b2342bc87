//! Is everything safe?

use serde::Serialize;

/// Whether all that was signed off is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Safety {
    /// Archived, and nothing is wrong.
    Safe,
    /// Nothing is wrong, and work is left.
    InProgress,
    /// Not all can be known.
    Unknown,
    /// Something is wrong.
    Problems,
}

/// Why it is not safe, or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SafetyReason {
    /// The log is not the one that it was.
    LogProblem,
    /// No process does what the work needs.
    PartMissing,
    /// A run was due and has not begun.
    RunOverdue,
    /// Subjects need a person.
    NeedsAttention,
    /// Alarms are raised.
    AlarmRaised,
    /// A mail is retried.
    MailFailing,
    /// The last run failed.
    RunFailed,
    /// Nothing was heard for too long of a host that does jobs.
    HostSilent,
    /// A job needs a person.
    JobProblem,
    /// It is unknown what waits on the server.
    WaitingUnknown,
    /// Bookings are in progress.
    InProgress,
    /// Bookings wait on the server.
    Waiting,
    /// A job's last run copied, and did not prove.
    JobNotProven,
}

impl SafetyReason {
    /// The safety that it leaves.
    #[must_use]
    pub const fn safety(self) -> Safety {
        match self {
            Self::InProgress | Self::Waiting | Self::JobNotProven => Safety::InProgress,
            Self::WaitingUnknown => Safety::Unknown,
            _ => Safety::Problems,
        }
    }
}

impl Safety {
    /// The worst of the reasons.
    #[must_use]
    pub fn of(reasons: &[SafetyReason]) -> Self {
        reasons.iter().map(|reason| reason.safety()).max_by_key(|safety| *safety as u8).unwrap_or(Self::Safe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r8_what_is_unknown_is_never_safe_and_what_is_wrong_comes_first() {
        assert_eq!(Safety::of(&[]), Safety::Safe);
        assert_eq!(Safety::of(&[SafetyReason::Waiting, SafetyReason::InProgress]), Safety::InProgress);
        assert_eq!(Safety::of(&[SafetyReason::WaitingUnknown, SafetyReason::InProgress]), Safety::Unknown);
        assert_eq!(Safety::of(&[SafetyReason::WaitingUnknown, SafetyReason::RunFailed]), Safety::Problems);
    }
}
