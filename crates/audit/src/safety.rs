//! What is needed for the one sentence: is everything safe?

use serde::Serialize;

/// Whether everything that was signed off is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Safety {
    /// All of it is archived, and nothing is wrong.
    Safe,
    /// Nothing is wrong, and some of it is still to be done.
    InProgress,
    /// Nothing is known to be wrong, but not all can be known.
    Unknown,
    /// Something is wrong.
    Problems,
}

/// Why not everything is safe, or cannot be known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SafetyReason {
    /// A part of the program that the work needs is missing.
    PartMissing,
    /// A run was due, and none has begun.
    RunOverdue,
    /// Subjects need a person.
    NeedsAttention,
    /// Alarms are raised.
    AlarmRaised,
    /// A mail could not be handed over.
    MailFailing,
    /// The last run failed.
    RunFailed,
    /// How many bookings wait on the server is unknown.
    WaitingUnknown,
    /// Bookings are on their way.
    InProgress,
    /// Bookings wait on the server for the next run.
    Waiting,
}

impl SafetyReason {
    /// What it makes of the whole.
    #[must_use]
    pub const fn safety(self) -> Safety {
        match self {
            Self::InProgress | Self::Waiting => Safety::InProgress,
            Self::WaitingUnknown => Safety::Unknown,
            _ => Safety::Problems,
        }
    }
}

impl Safety {
    /// Of what is known: the worst that one of the reasons makes of it.
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
