//! Raising and clearing alarms: each begins once and ends once, whoever else tries.
//!
//! Each beginning and each end is a mail. A condition that comes and goes is therefore ended more
//! and more slowly: see `settle_for`.

use jiff::{SignedDuration, Timestamp};
use strongroom_eventlog::{AppendError, EventLog, LogError};
use strongroom_model::alarm::Alarm;
use strongroom_model::event::{AlarmCleared, AlarmKey, AlarmRaised, ClearedBy};
use strongroom_model::fold::fold;
use strongroom_model::text::printable;
use strongroom_model::{Actor, Event, Expected, IllegalTransition, Recorded, StreamName};
use strongroom_service::Clock;

use crate::context::new_event;

/// How often an append is tried that others were faster than. Each of them changed the
/// alarm, so there is no endless race to be lost.
const MAX_ATTEMPTS: u32 = 16;

/// How many characters of a sentence go into an alarm: it is read in a mail.
const MESSAGE_CHARS: usize = 500;

/// How far back an alarm's beginnings are counted.
const FLAPPING_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// How many times within that an alarm may begin and end at once: a drive that is swapped, a
/// server that is started twice.
const FREE_CHANGES: u32 = 3;
/// How long the next end waits, counted from the beginning; each further one waits twice as long.
const MIN_SETTLE: SignedDuration = SignedDuration::from_mins(1);
/// How long an end waits at most: a person who has mended something hears of it the same day.
const MAX_SETTLE: SignedDuration = SignedDuration::from_hours(4);

/// Raises and clears alarms in someone's name.
#[derive(Debug, Clone)]
pub struct Alarms {
    log: EventLog,
    clock: Clock,
    actor: Actor,
}

/// An alarm that could not be raised or cleared.
#[derive(Debug, thiserror::Error)]
pub enum AlarmError {
    /// The alarm's stream could not be read.
    #[error("alarm {0} could not be read")]
    Read(StreamName, #[source] LogError),
    /// The alarm's stream makes no sense.
    #[error("alarm {0} cannot be understood: run `strongroom log verify`")]
    Damaged(StreamName, #[source] IllegalTransition),
    /// The log did not take the event, or did not say whether it did.
    #[error("alarm {0} could not be written")]
    Append(StreamName, #[source] AppendError),
    /// Others changed the alarm all the time.
    #[error("alarm {0} changed {MAX_ATTEMPTS} times while it was to be changed: it is tried again")]
    Contended(StreamName),
}

/// What came of an attempt to clear an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleared {
    /// This call cleared it.
    Now,
    /// It was not raised.
    NotRaised,
    /// It has come and gone so often that it stays raised for this long. Ask again then, if the
    /// condition is still over.
    Settling(SignedDuration),
}

impl Cleared {
    /// Whether the alarm is not raised any more.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Now | Self::NotRaised)
    }
}

impl Alarms {
    /// Alarms of that log, with that clock's time and that name on them.
    #[must_use]
    pub const fn new(log: EventLog, clock: Clock, actor: Actor) -> Self {
        Self { log, clock, actor }
    }

    /// Raises an alarm, led to by `cause`. One that is raised already stays as it is.
    /// Returns whether it was this call that raised it.
    ///
    /// # Errors
    /// The log could not be read or written; doing it again is harmless.
    pub async fn raise(&self, alarm: &AlarmRaised, cause: Option<&Recorded>) -> Result<bool, AlarmError> {
        let key = AlarmKey::new(alarm.kind, &alarm.subject);
        let raised = AlarmRaised {
            kind: key.kind,
            subject: key.subject.clone(),
            message: printable(&alarm.message, MESSAGE_CHARS),
            next_step: printable(&alarm.next_step, MESSAGE_CHARS),
        };
        let changed = self.change(&key, &Event::AlarmRaised(raised), |alarm| alarm.raised.is_none(), cause).await?;
        if changed {
            tracing::warn!(alarm = %key, message = alarm.message, next_step = alarm.next_step, "alarm raised");
        }
        Ok(changed)
    }

    /// As [`Alarms::raise`]. One that is raised in other words, which are so no more, is ended first; `over` says why.
    /// If we stop in between, it is raised when somebody comes by the condition again.
    ///
    /// # Errors
    /// The log could not be read or written; doing it again is harmless.
    pub async fn renew(&self, alarm: &AlarmRaised, over: &str, cause: Option<&Recorded>) -> Result<bool, AlarmError> {
        let key = AlarmKey::new(alarm.kind, &alarm.subject);
        let stream = StreamName::alarm(&key);
        let history = self.log.stream(&stream).await.map_err(|source| AlarmError::Read(stream.clone(), source))?;
        let known: Alarm = fold(&history).map_err(|source| AlarmError::Damaged(stream.clone(), source))?;
        let message = printable(&alarm.message, MESSAGE_CHARS);
        if known.raised.is_some_and(|(raised, _)| raised.message != message) {
            self.clear(&key, over, cause).await?;
        }
        self.raise(alarm, cause).await
    }

    /// Clears an alarm, and says in `message` what was found to be well again. One that is not
    /// raised stays so, and one that comes and goes stays raised for a while.
    ///
    /// # Errors
    /// The log could not be read or written; doing it again is harmless.
    pub async fn clear(&self, key: &AlarmKey, message: &str, cause: Option<&Recorded>) -> Result<Cleared, AlarmError> {
        if let Some(wait) = self.settles_for(key).await? {
            return Ok(Cleared::Settling(wait));
        }
        let cleared = AlarmCleared { message: printable(message, MESSAGE_CHARS) };
        let changed = self.change(key, &Event::AlarmCleared(cleared), |alarm| alarm.raised.is_some(), cause).await?;
        if changed {
            tracing::info!(alarm = %key, message, "alarm cleared");
        }
        Ok(if changed { Cleared::Now } else { Cleared::NotRaised })
    }

    /// For how long an alarm that could be cleared stays raised all the same. What a person or a
    /// single subject's event ends does not come and go by itself.
    async fn settles_for(&self, key: &AlarmKey) -> Result<Option<SignedDuration>, AlarmError> {
        if matches!(key.kind.cleared_by(), ClearedBy::Event | ClearedBy::Person) {
            return Ok(None);
        }
        let stream = StreamName::alarm(key);
        let history = self.log.stream(&stream).await.map_err(|source| AlarmError::Read(stream.clone(), source))?;
        let begun = history.iter().filter(|event| matches!(event.event, Event::AlarmRaised(_)));
        Ok(settle_for(&begun.map(|event| event.time).collect::<Vec<_>>(), self.clock.now()))
    }

    /// Appends `event` if the alarm is as `applies`. Compare and append: of two that find it
    /// so at once one is refused by the log, looks again, and finds it done.
    async fn change(
        &self,
        key: &AlarmKey,
        event: &Event,
        applies: fn(&Alarm) -> bool,
        cause: Option<&Recorded>,
    ) -> Result<bool, AlarmError> {
        let stream = StreamName::alarm(key);
        for _ in 0..MAX_ATTEMPTS {
            let history = self.log.stream(&stream).await.map_err(|source| AlarmError::Read(stream.clone(), source))?;
            let alarm: Alarm = fold(&history).map_err(|source| AlarmError::Damaged(stream.clone(), source))?;
            if !applies(&alarm) {
                return Ok(false);
            }
            let expected = history.last().map_or(Expected::New, |last| Expected::After(last.version));
            let next = new_event((&self.clock, &self.actor), stream.clone(), expected, event.clone(), cause);
            match self.log.append(vec![next]).await {
                Ok(_) => return Ok(true),
                Err(AppendError::Conflict { .. }) => {}
                Err(source) => return Err(AlarmError::Append(stream, source)),
            }
        }
        Err(AlarmError::Contended(stream))
    }
}

/// For how long from now on an alarm stays raised that began at these instants, the last of them
/// the newest: with each beginning within a day twice as long, so that what comes and goes for a
/// whole day is told some thirty times, not once a second.
fn settle_for(begun: &[Timestamp], now: Timestamp) -> Option<SignedDuration> {
    // What began after now was recorded by a clock that has been set back since, and says nothing of when.
    let ago = begun.iter().map(|at| now.duration_since(*at)).filter(|ago| !ago.is_negative() && *ago < FLAPPING_WITHIN);
    let (count, lasted) = ago.fold((0_u32, None), |(count, _), ago| (count.saturating_add(1), Some(ago)));
    let doublings = count.checked_sub(FREE_CHANGES + 1)?;
    let hold = 1_i32.checked_shl(doublings.min(16)).and_then(|times| MIN_SETTLE.checked_mul(times));
    let hold = hold.unwrap_or(MAX_SETTLE).min(MAX_SETTLE);
    Some(hold - lasted?).filter(|wait| wait.is_positive())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn an_alarm_that_comes_and_goes_is_told_some_thirty_times_a_day_at_most() {
        let (mut begun, mut now) = (Vec::new(), 0);
        while now < 86_400 {
            begun.push(at(now));
            now += settle_for(&begun, at(now)).map_or(1, |wait| wait.as_secs() + 1);
        }
        assert!((10..=20).contains(&begun.len()), "{} beginnings, and as many ends", begun.len());
    }

    #[test]
    fn the_first_ends_of_a_day_are_told_at_once_and_so_are_those_of_the_next() {
        let swaps = [at(0), at(100), at(200)];
        assert_eq!(settle_for(&swaps, at(201)), None);
        assert_eq!(settle_for(&[&swaps[..], &[at(300)]].concat(), at(310)), Some(SignedDuration::from_secs(50)));
        assert_eq!(settle_for(&[&swaps[..], &[at(90_000)]].concat(), at(90_001)), None);
    }

    #[test]
    fn a_clock_that_was_put_back_holds_no_alarm_for_longer() {
        let begun: Vec<_> = (0..40).map(|n| at(3600 + n)).collect();
        assert_eq!(settle_for(&begun, at(0)), None);
        assert_eq!(settle_for(&begun, at(-100_000)), None);
        let mixed = [&[at(-30), at(-20), at(-10), at(0)], &begun[..]].concat();
        assert_eq!(
            settle_for(&mixed, at(10)),
            Some(SignedDuration::from_secs(50)),
            "those that were in the past count"
        );
    }
}
