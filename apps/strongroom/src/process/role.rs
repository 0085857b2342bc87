//! The roles of a process: the relay, the monitor, and one for each stage.

use strongroom_model::StageName;
use strongroom_model::presence::RELAY;
use strongroom_service::Config;

/// The role, and the verb, that watches.
pub(crate) const MONITOR: &str = "monitor";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Publishes what the log says is to be done to the broker's queues.
    Relay,
    /// Looks whether what should have happened did.
    Monitor,
    Stage(StageName),
}

impl Role {
    pub(crate) const ALL: [Self; 11] = [
        Self::Relay,
        Self::Monitor,
        Self::Stage(StageName::Enumerate),
        Self::Stage(StageName::Fetch),
        Self::Stage(StageName::Verify),
        Self::Stage(StageName::Archive),
        Self::Stage(StageName::Custody),
        Self::Stage(StageName::Purge),
        Self::Stage(StageName::Transfer),
        Self::Stage(StageName::Prove),
        Self::Stage(StageName::Notify),
    ];

    /// What `strongroom run` does: jobs only where the configuration has any for this host, and bookings only where it
    /// names a document server, or no jobs either.
    pub(crate) fn of_run(config: &Config) -> Vec<Self> {
        let has_jobs = config.own_jobs().next().is_some();
        let has_bookings = Self::has_bookings(config);
        let is_wanted = |role: &Self| match role {
            Self::Stage(StageName::Transfer | StageName::Prove) => has_jobs,
            Self::Relay | Self::Monitor | Self::Stage(StageName::Notify) => true,
            Self::Stage(_) => has_bookings,
        };
        Self::ALL.into_iter().filter(is_wanted).collect()
    }

    /// Those that run a host's jobs.
    pub(crate) fn of_jobs() -> impl Iterator<Item = Self> {
        StageName::ALL.iter().copied().filter(|stage| stage.is_of_jobs()).map(Self::Stage)
    }

    /// Whether this site takes documents off a server: not if it has only jobs.
    pub(crate) fn has_bookings(config: &Config) -> bool {
        config.source.url.is_some() || config.drive.root.is_some() || config.own_jobs().next().is_none()
    }

    /// The verb that does nothing else.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Relay => RELAY,
            Self::Monitor => MONITOR,
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
        assert_eq!(Role::ALL.len(), StageName::ALL.len() + 2);
    }
}
