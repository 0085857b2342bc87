//! The conditions of a run. Defaults are those of the schema (taskschedulerschema-settingstype-complextype).

use crate::Span;

/// What holds a task back, ends it, and starts it late.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the schema's settings are booleans")]
pub struct Settings {
    /// Whether it may start.
    pub enabled: bool,
    /// Whether it is shown only on request.
    pub hidden: bool,
    /// What happens if it is due while it runs.
    pub instances: InstancesPolicy,
    /// After which it is ended; `None`: no limit.
    pub time_limit: Option<Span>,
    /// A missed start is made up for as soon as possible.
    pub start_when_available: bool,
    /// Not on battery.
    pub not_on_battery: bool,
    /// Ended when the computer goes on battery.
    pub stop_on_battery: bool,
    /// Only while the computer is idle.
    pub only_if_idle: bool,
    /// Only with a network.
    pub only_with_network: bool,
    /// The network that is meant, by name.
    pub network: Option<String>,
    /// Wakes the computer.
    pub wake: bool,
    /// 0 (highest) to 10.
    pub priority: u8,
    /// May be started by hand.
    pub on_demand: bool,
    /// May be ended by force.
    pub hard_terminate: bool,
    /// Removed so long after its last trigger ended.
    pub delete_expired_after: Option<Span>,
    /// Started again after a failure, so often, so far apart.
    pub restart: Option<(u32, Span)>,
    /// What idle means.
    pub idle: IdleSettings,
    /// Runs in automatic maintenance.
    pub maintenance: Option<Maintenance>,
    /// Removed when the computer restarts.
    pub volatile: bool,
    /// systemd: a start missed while the computer was off is made up for.
    pub persistent: bool,
    /// systemd: a start may be this late, to coincide with others.
    pub accuracy: Option<Span>,
}

/// The default of `ExecutionTimeLimit`, `PT72H`.
pub(crate) const DEFAULT_TIME_LIMIT: Span = Span::of_seconds(72 * 3_600);

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            hidden: false,
            instances: InstancesPolicy::IgnoreNew,
            time_limit: Some(DEFAULT_TIME_LIMIT),
            start_when_available: false,
            not_on_battery: true,
            stop_on_battery: true,
            only_if_idle: false,
            only_with_network: false,
            network: None,
            wake: false,
            priority: 7,
            on_demand: true,
            hard_terminate: true,
            delete_expired_after: None,
            restart: None,
            idle: IdleSettings::default(),
            maintenance: None,
            volatile: false,
            persistent: false,
            accuracy: None,
        }
    }
}

impl Settings {
    /// Without the conditions that only Windows has: for other schedulers.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            time_limit: None,
            not_on_battery: false,
            stop_on_battery: false,
            priority: 0,
            idle: IdleSettings { duration: None, wait: None, stop_on_end: false, restart: false },
            ..Self::default()
        }
    }
}

/// What happens if a task is due while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstancesPolicy {
    /// The new start is left out.
    IgnoreNew,
    /// Both run.
    Parallel,
    /// The new start waits.
    Queue,
    /// The running one is ended.
    StopExisting,
}

impl InstancesPolicy {
    /// Reads the word of the schema.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::IgnoreNew, Self::Parallel, Self::Queue, Self::StopExisting]
            .into_iter()
            .find(|policy| policy.name() == text)
    }

    /// The word of the schema.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IgnoreNew => "IgnoreNew",
            Self::Parallel => "Parallel",
            Self::Queue => "Queue",
            Self::StopExisting => "StopExisting",
        }
    }
}

/// What idle means, and what happens when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdleSettings {
    /// For how long the computer must have been idle.
    pub duration: Option<Span>,
    /// For how long that is waited for.
    pub wait: Option<Span>,
    /// Whether the task is ended when the computer is used again.
    pub stop_on_end: bool,
    /// Whether it goes on when the computer is idle again.
    pub restart: bool,
}

impl Default for IdleSettings {
    fn default() -> Self {
        Self {
            duration: Some(Span::of_seconds(600)),
            wait: Some(Span::of_seconds(3_600)),
            stop_on_end: true,
            restart: false,
        }
    }
}

/// Automatic maintenance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintenance {
    /// How often.
    pub period: Span,
    /// After which it is made up for outside its usual time.
    pub deadline: Option<Span>,
    /// Alone.
    pub exclusive: bool,
}
