//! What a scheduled task is, whichever scheduler it belongs to.

mod action;
mod principal;
mod settings;
mod trigger;

pub use self::action::Action;
pub use self::principal::{LogonType, Principal};
pub use self::settings::{IdleSettings, InstancesPolicy, Maintenance, Settings};
pub use self::trigger::{
    Days, EventQuery, Monotonic, MonotonicBase, Months, Repetition, Schedule, SessionChange, Trigger, Weekdays, Weeks,
};
use crate::Moment;

/// The scheduler that a task belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheduler {
    /// Windows Task Scheduler.
    Windows,
    /// systemd timers.
    Systemd,
    /// cron.
    Cron,
    /// anacron.
    Anacron,
}

impl Scheduler {
    /// As tables name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Windows => "windows",
            Self::Systemd => "systemd",
            Self::Cron => "cron",
            Self::Anacron => "anacron",
        }
    }
}

/// Where a definition was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The file's name as it was given, beneath the collection's folder.
    pub file: String,
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub sha256: String,
    /// What the bytes were encoded in.
    pub encoding: String,
}

/// One task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The key: `\OpenData\Nightly`, `backup.timer`, `/etc/crontab:17`.
    pub path: String,
    /// Its scheduler.
    pub scheduler: Scheduler,
    /// Where it was read.
    pub origin: Origin,
    /// The format's version, `1.2`.
    pub version: Option<String>,
    /// What the definition says of its own path; it may be out of date.
    pub uri: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// When it was registered, by the host's clock.
    pub registered: Option<Moment>,
    /// Who may do what with it, as SDDL.
    pub security: Option<String>,
    /// When it starts.
    pub triggers: Vec<Trigger>,
    /// As whom it runs.
    pub principals: Vec<Principal>,
    /// What it does.
    pub actions: Vec<Action>,
    /// The conditions of a run.
    pub settings: Settings,
    /// What could not be read or is odd: one sentence each.
    pub warnings: Vec<String>,
}

impl Task {
    /// Whether each part of its path is a name: parts become folders where the task is restored.
    #[must_use]
    pub fn has_plain_path(&self) -> bool {
        let is_name = |part: &str| !matches!(part.trim(), "" | "." | "..");
        self.path.strip_prefix('\\').is_some_and(|path| path.split(['\\', '/']).all(is_name))
    }

    /// A task without content.
    #[must_use]
    pub fn new(path: impl Into<String>, scheduler: Scheduler, origin: Origin) -> Self {
        Self {
            path: path.into(),
            scheduler,
            origin,
            version: None,
            uri: None,
            author: None,
            description: None,
            registered: None,
            security: None,
            triggers: Vec::new(),
            principals: Vec::new(),
            actions: Vec::new(),
            settings: Settings::default(),
            warnings: Vec::new(),
        }
    }

    /// The folder, with a final backslash for Windows: `\OpenData\`; empty where there is none.
    #[must_use]
    pub fn folder(&self) -> &str {
        let cut = if self.scheduler == Scheduler::Windows { '\\' } else { '/' };
        self.path.rfind(cut).map_or("", |at| &self.path[..=at])
    }

    /// The last part of the path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.path[self.folder().len()..]
    }

    /// Whether its definition was read; otherwise only a listing tells of it, and its settings are not known.
    #[must_use]
    pub fn is_defined(&self) -> bool {
        !self.origin.sha256.is_empty()
    }

    /// Whether it can start by itself: it is enabled, and so is one of its triggers.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.settings.enabled && self.triggers.iter().any(|trigger| trigger.enabled)
    }
}
