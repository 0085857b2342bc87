//! When a task starts.

use strongroom_calendar::{Cron, OnCalendar};

use crate::{Moment, Span};

/// One reason to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// The definition's own name for it.
    pub id: Option<String>,
    /// Whether it counts.
    pub enabled: bool,
    /// Not before; for calendar triggers it is also the time of day.
    pub start: Option<Moment>,
    /// Not after.
    pub end: Option<Moment>,
    /// Starts again after each start.
    pub repetition: Option<Repetition>,
    /// Ends a run that this trigger started.
    pub time_limit: Option<Span>,
    /// Later by a random time up to this.
    pub random_delay: Option<Span>,
    /// Later by this.
    pub delay: Option<Span>,
    /// What it waits for.
    pub schedule: Schedule,
}

impl Trigger {
    /// An enabled trigger with nothing else.
    #[must_use]
    pub fn new(schedule: Schedule) -> Self {
        Self {
            id: None,
            enabled: true,
            start: None,
            end: None,
            repetition: None,
            time_limit: None,
            random_delay: None,
            delay: None,
            schedule,
        }
    }
}

/// Starts every `interval` from each start on, for `duration`, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repetition {
    /// The time between two starts.
    pub interval: Span,
    /// `None`: without end.
    pub duration: Option<Span>,
    /// Whether a run is ended at the end of the duration.
    pub stop_at_end: bool,
}

/// What a trigger waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// Once, at the start.
    Once,
    /// Every so many days.
    Daily(u32),
    /// Every so many weeks, on these days.
    Weekly(u32, Weekdays),
    /// On these days of these months.
    Monthly(Days, Months),
    /// On these weekdays of these weeks of these months.
    MonthlyWeekday(Weeks, Weekdays, Months),
    /// When the computer starts.
    Boot,
    /// When this user, or anyone, logs on.
    Logon(Option<String>),
    /// When the computer is idle.
    Idle,
    /// When the task is registered or changed.
    Registration,
    /// On an event.
    Event(EventQuery),
    /// When a session of this user, or anyone's, changes.
    Session(SessionChange, Option<String>),
    /// On an internal signal of Windows (Windows Notification Facility): its state name and its data.
    Signal(String, Option<String>),
    /// A line of a crontab, with the value of CRON_TZ above it.
    Cron(Cron, Option<String>),
    /// `OnCalendar=`.
    OnCalendar(OnCalendar),
    /// `OnBootSec=` and the like.
    Monotonic(Monotonic),
    /// A line of an anacrontab: every so many days, or `None` for every month.
    Anacron(Option<u32>),
    /// A schedule of which only words are known, as in a `schtasks` list: they stand for themselves.
    Described(String),
    /// What is not known here: the element's name and text.
    Unknown(String, String),
}

impl Schedule {
    /// The kind, as tables name it.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Once => "Time",
            Self::Daily(_) => "Daily",
            Self::Weekly(..) => "Weekly",
            Self::Monthly(..) => "Monthly",
            Self::MonthlyWeekday(..) => "MonthlyDOW",
            Self::Boot => "Boot",
            Self::Logon(_) => "Logon",
            Self::Idle => "Idle",
            Self::Registration => "Registration",
            Self::Event(_) => "Event",
            Self::Session(..) => "SessionStateChange",
            Self::Signal(..) => "WnfStateChange",
            Self::Cron(..) => "cron",
            Self::OnCalendar(_) => "OnCalendar",
            Self::Monotonic(monotonic) => monotonic.base.name(),
            Self::Anacron(_) => "anacron",
            Self::Described(_) => "described",
            Self::Unknown(..) => "unknown",
        }
    }
}

/// Days of the week: bit 0 is Sunday, as in the API of Windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weekdays(pub u8);

impl Weekdays {
    /// Whether it is the whole week.
    #[must_use]
    pub const fn is_all(self) -> bool {
        self.0 == 0x7f
    }

    /// Whether a day is in it, Sunday being 0.
    #[must_use]
    pub const fn has(self, day: u8) -> bool {
        self.0 >> day & 1 == 1
    }
}

/// Days of the month: bits 1 to 31, and the last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Days {
    /// Bit 1 is the first.
    pub bits: u32,
    /// `Last`.
    pub last: bool,
}

/// Months: bits 1 to 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Months(pub u16);

impl Months {
    /// All twelve.
    pub const ALL: Self = Self(0x1ffe);

    /// Whether it is the whole year.
    #[must_use]
    pub const fn is_all(self) -> bool {
        self.0 == Self::ALL.0
    }

    /// Whether a month, January being 1, is in it.
    #[must_use]
    pub const fn has(self, month: u8) -> bool {
        self.0 >> month & 1 == 1
    }
}

/// Weeks of a month: bits 1 to 4, and the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weeks {
    /// Bit 1 is the first.
    pub bits: u8,
    /// `Last`.
    pub last: bool,
}

/// A subscription to events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventQuery {
    /// The whole query list, as XML.
    pub query: String,
    /// The channel, where there is one only.
    pub channel: Option<String>,
    /// The events' numbers, as written: `1074`.
    pub ids: Vec<String>,
    /// The levels, as written, where events of others do not count.
    pub levels: Vec<String>,
    /// The provider, where there is one only.
    pub provider: Option<String>,
    /// The task starts only after so many events within a time.
    pub occurrences: Option<(u32, Option<Span>)>,
}

/// How a session changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionChange {
    /// At the computer itself.
    ConsoleConnect,
    /// At the computer itself.
    ConsoleDisconnect,
    /// From elsewhere.
    RemoteConnect,
    /// From elsewhere.
    RemoteDisconnect,
    /// Locked.
    Lock,
    /// Unlocked.
    Unlock,
    /// Another word.
    Other(String),
}

impl SessionChange {
    /// Reads the word of the schema.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "ConsoleConnect" => Self::ConsoleConnect,
            "ConsoleDisconnect" => Self::ConsoleDisconnect,
            "RemoteConnect" => Self::RemoteConnect,
            "RemoteDisconnect" => Self::RemoteDisconnect,
            "SessionLock" => Self::Lock,
            "SessionUnlock" => Self::Unlock,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// A time after something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Monotonic {
    /// After what.
    pub base: MonotonicBase,
    /// How long after.
    pub after: Span,
}

/// What a monotonic timer counts from (systemd.timer(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MonotonicBase {
    /// When the timer was activated.
    Active,
    /// When the computer started.
    Boot,
    /// When systemd started.
    Startup,
    /// When the unit was last activated.
    UnitActive,
    /// When the unit was last deactivated.
    UnitInactive,
}

impl MonotonicBase {
    /// The directive of a unit file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "OnActiveSec",
            Self::Boot => "OnBootSec",
            Self::Startup => "OnStartupSec",
            Self::UnitActive => "OnUnitActiveSec",
            Self::UnitInactive => "OnUnitInactiveSec",
        }
    }

    /// From a directive, or from a property of `systemctl show` such as `OnBootUSec`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let stem = name.strip_suffix("USec").or_else(|| name.strip_suffix("Sec"))?;
        let all = [Self::Active, Self::Boot, Self::Startup, Self::UnitActive, Self::UnitInactive];
        all.into_iter().find(|base| base.name().strip_suffix("Sec") == Some(stem))
    }
}
