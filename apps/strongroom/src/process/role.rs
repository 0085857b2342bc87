//! The roles of a process: the relay, and one for each stage.

use strongroom_model::StageName;
use strongroom_model::presence::RELAY;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Publishes what the log says is to be done to the broker's queues.
    Relay,
    Stage(StageName),
}

impl Role {
    pub(crate) const ALL: [Self; 8] = [
        Self::Relay,
        Self::Stage(StageName::Enumerate),
        Self::Stage(StageName::Fetch),
        Self::Stage(StageName::Verify),
        Self::Stage(StageName::Archive),
        Self::Stage(StageName::Custody),
        Self::Stage(StageName::Purge),
        Self::Stage(StageName::Notify),
    ];

    /// The verb that does nothing else.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Relay => RELAY,
            Self::Stage(stage) => stage.name(),
        }
    }

    pub(crate) const fn needs_server(self) -> bool {
        matches!(
            self,
            Self::Stage(
                StageName::Enumerate | StageName::Fetch | StageName::Archive | StageName::Custody | StageName::Purge
            )
        )
    }

    pub(crate) const fn needs_drive(self) -> bool {
        matches!(self, Self::Stage(StageName::Fetch | StageName::Verify))
    }

    pub(crate) const fn mails(self) -> bool {
        matches!(self, Self::Stage(StageName::Notify))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_is_a_role() {
        for &stage in StageName::ALL {
            assert!(Role::ALL.contains(&Role::Stage(stage)), "{stage}");
        }
        assert_eq!(Role::ALL.len(), StageName::ALL.len() + 1);
    }
}
