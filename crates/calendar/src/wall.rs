//! From wall-clock times that a pattern matches to instants, across changes of a zone's offset.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// How far ahead an occurrence is looked for, in years: 29 February on a given weekday may be 40 years away (2096 to 2136).
pub(crate) const MAX_SEARCH_YEARS: i64 = 50;

/// cron handles changes of the clock below this specially (cron.8 of cronie: "less than three hours").
const MAX_SPECIAL_CHANGE: SignedDuration = SignedDuration::from_hours(3);

/// What happens to wall-clock times that a zone skips or repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockChange {
    /// A skipped time never matches, a repeated one matches twice: cron's jobs with `*` in the minute or hour, and all
    /// jobs below `CRON_TZ`.
    Literal,
    /// A skipped time matches where the clock goes on, a repeated one the first time only: cron's jobs at fixed times,
    /// where the change is below three hours.
    Once,
    /// A skipped time never matches, a repeated one the first time only: systemd.
    FirstOnly,
}

/// A stretch of time with one offset: wall clock and instants run in step.
#[derive(Debug, Clone)]
struct Stretch {
    /// The first instant after the stretch; `None` where the offset never changes again.
    end: Option<Timestamp>,
    offset: Offset,
    /// The offset before the stretch.
    before: Offset,
    start: Option<Timestamp>,
}

impl Stretch {
    fn at(zone: &TimeZone, instant: Timestamp) -> Self {
        let offset = zone.to_offset(instant);
        let end = zone.following(instant).find(|change| change.offset() != offset).map(|change| change.timestamp());
        // `preceding` is exclusive, so an instant at the start itself is looked for from just after it.
        let from = instant.checked_add(1.nanosecond()).unwrap_or(instant);
        let mut preceding = zone.preceding(from).take_while(|change| change.timestamp() <= instant).peekable();
        let (mut start, mut before) = (None, offset);
        while let Some(change) = preceding.next() {
            start = Some(change.timestamp());
            before =
                preceding.peek().map_or_else(|| earlier_offset(zone, change.timestamp()), |earlier| earlier.offset());
            if before != offset {
                break;
            }
        }
        Self { end, offset, before, start }
    }

    fn wall(&self, instant: Timestamp) -> DateTime {
        self.offset.to_datetime(instant)
    }

    /// Until when wall-clock times of this stretch were already shown by the one before.
    fn repeated_until(&self) -> Option<DateTime> {
        let start = self.start?;
        let gained = self.before.duration_since(self.offset);
        (gained > SignedDuration::ZERO).then(|| self.before.to_datetime(start))
    }
}

fn earlier_offset(zone: &TimeZone, at: Timestamp) -> Offset {
    zone.to_offset(at.checked_sub(1.nanosecond()).unwrap_or(at))
}

/// Finds instants of one pattern in one zone; it remembers the stretch between two changes of the offset.
#[derive(Debug, Clone)]
pub(crate) struct Wall<'zone> {
    zone: &'zone TimeZone,
    change: ClockChange,
    stretch: Option<Stretch>,
}

impl<'zone> Wall<'zone> {
    pub(crate) fn new(zone: &'zone TimeZone, change: ClockChange) -> Self {
        Self { zone, change, stretch: None }
    }

    /// The first instant after `after` at which `next_match` (the first match at or after a wall-clock time) holds.
    pub(crate) fn next_after(
        &mut self,
        after: Timestamp,
        next_match: impl Fn(DateTime) -> Option<DateTime>,
    ) -> Option<Timestamp> {
        let mut from = after.checked_add(1.nanosecond()).ok()?;
        let last = after.checked_add(SignedDuration::from_hours(MAX_SEARCH_YEARS * 366 * 24)).unwrap_or(Timestamp::MAX);
        while from <= last {
            let stretch = self.stretch_at(from);
            let mut wall = stretch.wall(from);
            if let Some(repeated) = stretch.repeated_until().filter(|_| self.skips_repeated(&stretch)) {
                wall = wall.max(repeated);
            }
            let found = next_match(wall);
            let Some(end) = stretch.end else { return stretch.offset.to_timestamp(found?).ok() };
            let within = found.and_then(|found| stretch.offset.to_timestamp(found).ok()).filter(|at| *at < end);
            if within.is_some() {
                return within;
            }
            if self.runs_at_end_of_gap(&stretch, end, found) {
                return Some(end);
            }
            // Later wall-clock times come, or, where the clock goes back to before `wall`, some earlier ones again.
            from = match found {
                _ if self.zone.to_offset(end).to_datetime(end) < wall => end,
                Some(found) => leap(found, end),
                None => return None,
            };
        }
        None
    }

    fn stretch_at(&mut self, instant: Timestamp) -> Stretch {
        let holds = |stretch: &Stretch| {
            stretch.end.is_none_or(|end| instant < end) && stretch.start.is_none_or(|start| start <= instant)
        };
        if let Some(stretch) = self.stretch.as_ref().filter(|stretch| holds(stretch)) {
            return stretch.clone();
        }
        let stretch = Stretch::at(self.zone, instant);
        self.stretch = Some(stretch.clone());
        stretch
    }

    fn skips_repeated(&self, stretch: &Stretch) -> bool {
        match self.change {
            ClockChange::Literal => false,
            ClockChange::FirstOnly => true,
            ClockChange::Once => stretch.before.duration_since(stretch.offset) < MAX_SPECIAL_CHANGE,
        }
    }

    /// Whether a match lies in the times that the change at `end` skips, for patterns that run then.
    fn runs_at_end_of_gap(&self, stretch: &Stretch, end: Timestamp, found: Option<DateTime>) -> bool {
        let after = self.zone.to_offset(end);
        let lost = after.duration_since(stretch.offset);
        let special = self.change == ClockChange::Once && lost > SignedDuration::ZERO && lost < MAX_SPECIAL_CHANGE;
        special && found.is_some_and(|found| found < after.to_datetime(end))
    }
}

/// Where the search goes on: nothing matches before `found`, so stretches that end well before it are passed over. Offsets
/// are within a day of UTC, and so are changes between them.
fn leap(found: DateTime, end: Timestamp) -> Timestamp {
    let near =
        Offset::UTC.to_timestamp(found).ok().and_then(|near| near.checked_sub(SignedDuration::from_hours(72)).ok());
    near.map_or(end, |near| near.max(end))
}
