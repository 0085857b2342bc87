//! When a trigger should start its task, in the host's zone.

mod dates;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use strongroom_calendar::{Cron, OnCalendar};

use self::dates::Dates;
use crate::moment::Moment;
use crate::task::{MonotonicBase, Schedule, Trigger};

/// What is known of a trigger's starts.
#[derive(Debug, Clone)]
pub enum Expectation {
    /// It starts at these times.
    Times(Box<Grid>),
    /// It starts so long after the computer did.
    AfterBoot(SignedDuration),
    /// It starts so long after the last start, or end, of the task itself.
    AfterRun(SignedDuration),
    /// Nothing in a definition tells when it starts; why.
    CannotTell(String),
    /// It will never start the task; why.
    Never(String),
}

/// The times at which a trigger starts a task.
#[derive(Debug, Clone)]
pub struct Grid {
    base: Base,
    /// The interval, and after which time from each start it ends; in seconds.
    repetition: Option<(i64, Option<i64>)>,
    end: Option<Timestamp>,
}

#[derive(Debug, Clone)]
enum Base {
    Once(Timestamp),
    Dates(Dates),
    Cron(Cron, TimeZone),
    OnCalendar(OnCalendar, TimeZone),
}

/// What a trigger leads to expect on a host of that zone.
#[must_use]
pub fn expectation(trigger: &Trigger, host: &TimeZone) -> Expectation {
    let cannot = |why: &str| Expectation::CannotTell(why.to_owned());
    let base = match &trigger.schedule {
        Schedule::Once
        | Schedule::Daily(_)
        | Schedule::Weekly(..)
        | Schedule::Monthly(..)
        | Schedule::MonthlyWeekday(..) => match windows_base(trigger, host) {
            Ok(base) => base,
            Err(other) => return other,
        },
        Schedule::Cron(cron, zone) => match cron_base(cron, zone.as_deref(), host) {
            Ok(base) => base,
            Err(other) => return other,
        },
        Schedule::OnCalendar(calendar) if calendar.never_happens() => {
            return Expectation::Never("its calendar expression names a date that never comes".to_owned());
        }
        Schedule::OnCalendar(calendar) => Base::OnCalendar(calendar.clone(), host.clone()),
        Schedule::Boot => return Expectation::AfterBoot(trigger.delay.unwrap_or_default().duration()),
        Schedule::Monotonic(monotonic) => {
            let after = monotonic.after.duration();
            return match monotonic.base {
                MonotonicBase::Boot | MonotonicBase::Startup => Expectation::AfterBoot(after),
                MonotonicBase::UnitActive | MonotonicBase::UnitInactive => Expectation::AfterRun(after),
                MonotonicBase::Active => cannot("when the timer was switched on is not known"),
            };
        }
        Schedule::Anacron(days) => {
            // A stamp is a date, and the job is due in the course of the day so many days later.
            let days = days.map_or(31, i64::from).min(36_500) + 1;
            return Expectation::AfterRun(SignedDuration::from_hours(24 * days));
        }
        Schedule::Logon(_) => return cannot("nobody can tell when a user logs on"),
        Schedule::Session(..) => return cannot("nobody can tell when a session changes"),
        Schedule::Idle => return cannot("nobody can tell when the computer is idle"),
        Schedule::Registration => return cannot("it starts when the task is registered"),
        Schedule::Event(_) => return cannot("nobody can tell when the event happens"),
        Schedule::Signal(..) => return cannot("nobody can tell when Windows sends the signal"),
        Schedule::Described(words) if words.is_empty() => return cannot("its definition was not read"),
        Schedule::Described(_) => return cannot("the listing tells its schedule in translated words only"),
        Schedule::Unknown(..) => return cannot("the trigger is not of a known kind"),
    };
    let end = match &trigger.end {
        Some(Moment::Unreadable(_)) => return cannot("the trigger's end cannot be read"),
        Some(end) => end.instant(host),
        None => None,
    };
    let repetition = trigger.repetition.map(|repetition| {
        let seconds = |span: crate::Span| span.duration().as_secs();
        (seconds(repetition.interval).max(1), repetition.duration.map(seconds))
    });
    Expectation::Times(Box::new(Grid { base, repetition, end }))
}

fn windows_base(trigger: &Trigger, host: &TimeZone) -> Result<Base, Expectation> {
    let Some(start) = &trigger.start else {
        return Err(Expectation::CannotTell("the trigger has no start".to_owned()));
    };
    let unreadable = || Expectation::CannotTell("the trigger's start cannot be read".to_owned());
    let civil = start.civil().ok_or_else(unreadable)?;
    if trigger.schedule == Schedule::Once {
        return start.instant(host).map(Base::Once).ok_or_else(unreadable);
    }
    match Dates::new(&trigger.schedule, civil, start.zone(host)) {
        Some(dates) if !dates.is_empty() => Ok(Base::Dates(dates)),
        _ => Err(Expectation::Never("its days name no date that ever comes".to_owned())),
    }
}

fn cron_base(cron: &Cron, zone: Option<&str>, host: &TimeZone) -> Result<Base, Expectation> {
    if cron.is_reboot() {
        return Err(Expectation::AfterBoot(SignedDuration::ZERO));
    }
    if cron.never_happens() {
        return Err(Expectation::Never("its fields name a date that never comes".to_owned()));
    }
    match zone {
        None => Ok(Base::Cron(cron.clone(), host.clone())),
        Some(name) => TimeZone::get(name).map(|zone| Base::Cron(cron.clone().in_other_zone(), zone)).map_err(|_| {
            Expectation::CannotTell(format!(
                "CRON_TZ names a zone that is not known, {:?}",
                strongroom_model::text::printable(name, 60)
            ))
        }),
    }
}

impl Base {
    fn after(&self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Once(start) => (*start > at).then_some(*start),
            Self::Dates(dates) => dates.after(at),
            Self::Cron(cron, zone) => cron.next_after(at, zone),
            Self::OnCalendar(calendar, zone) => calendar.next_after(at, zone),
        }
    }

    fn at_or_before(&self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Once(start) => (*start <= at).then_some(*start),
            Self::Dates(dates) => dates.at_or_before(at),
            Self::Cron(cron, zone) => cron.at_or_before(at, zone),
            Self::OnCalendar(calendar, zone) => calendar.at_or_before(at, zone),
        }
    }
}

impl Grid {
    /// The first time after an instant.
    #[must_use]
    pub fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        let again = self.repetition.and_then(|(interval, duration)| {
            let base = self.base.at_or_before(at)?;
            let offset = (at.duration_since(base).as_secs() / interval + 1).checked_mul(interval)?;
            let within = duration.is_none_or(|duration| offset <= duration);
            if within { base.checked_add(SignedDuration::from_secs(offset)).ok() } else { None }
        });
        let base = self.base.after(at);
        let next = again.into_iter().chain(base).min()?;
        self.end.is_none_or(|end| next <= end).then_some(next)
    }

    /// The last time at or before an instant.
    #[must_use]
    pub fn at_or_before(&self, at: Timestamp) -> Option<Timestamp> {
        self.last(at, true)
    }

    /// The last time at or before an instant at which the task surely starts: the repetition that falls on the end of
    /// its duration is known to be left out at times.
    #[must_use]
    pub fn surely_at_or_before(&self, at: Timestamp) -> Option<Timestamp> {
        self.last(at, false)
    }

    fn last(&self, at: Timestamp, with_end: bool) -> Option<Timestamp> {
        let at = self.end.map_or(at, |end| at.min(end));
        let base = self.base.at_or_before(at)?;
        let Some((interval, duration)) = self.repetition else { return Some(base) };
        let passed = at.duration_since(base).as_secs();
        let most = duration.map_or(passed, |duration| passed.min(if with_end { duration } else { duration - 1 }));
        base.checked_add(SignedDuration::from_secs(most.max(0) / interval * interval)).ok()
    }

    /// The times after `after`, up to and with `until`, in order.
    pub fn between(&self, after: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        let until = self.end.map_or(until, |end| until.min(end));
        let mut at = Some(after);
        let mut times =
            Times { grid: self, base: self.repetition.and_then(|_| self.base.at_or_before(after)), coming: None };
        std::iter::from_fn(move || {
            let next = times.next_after(at?).filter(|next| *next <= until);
            at = next;
            next
        })
    }

    /// How far apart its times are around an instant, as far as they are known.
    #[must_use]
    pub fn period_at(&self, at: Timestamp) -> Option<SignedDuration> {
        let last = self.at_or_before(at)?;
        let next = self.next_after(at).or_else(|| self.at_or_before(last.checked_sub(1.nanosecond()).ok()?))?;
        Some(next.duration_since(last).abs())
    }

    /// Whether its weeks may be counted from another day than here: which one begins a week is documented nowhere.
    #[must_use]
    pub fn is_off_by_a_week(&self) -> bool {
        matches!(&self.base, Base::Dates(dates) if dates.is_off_by_a_week())
    }

    /// Whether it starts the task once only.
    #[must_use]
    pub fn is_once(&self) -> bool {
        matches!(self.base, Base::Once(_)) && self.repetition.is_none()
    }
}

/// Steps through a grid without looking for the base of a repetition each time.
struct Times<'grid> {
    grid: &'grid Grid,
    /// The last base, and the one after it.
    base: Option<Timestamp>,
    coming: Option<Timestamp>,
}

impl Times<'_> {
    fn next_after(&mut self, at: Timestamp) -> Option<Timestamp> {
        let coming = match self.coming.filter(|coming| *coming > at) {
            Some(coming) => Some(coming),
            None => self.grid.base.after(at),
        };
        self.coming = coming;
        let again = self.base.zip(self.grid.repetition).and_then(|(base, (interval, duration))| {
            let offset = (at.duration_since(base).as_secs() / interval + 1).checked_mul(interval)?;
            let within = duration.is_none_or(|duration| offset <= duration);
            if within { base.checked_add(SignedDuration::from_secs(offset)).ok() } else { None }
        });
        let next = again.into_iter().chain(coming).min();
        if next.is_some() && next == coming {
            self.base = coming;
        }
        next
    }
}
