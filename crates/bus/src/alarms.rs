//! Raising and clearing alarms: once each, whoever else tries.
//!
//! Both are mailed, so one that flaps is cleared ever more slowly: see `settle_for`.

use jiff::{SignedDuration, Timestamp};
use strongroom_eventlog::{AppendError, EventLog, LogError};
use strongroom_model::alarm::Alarm;
use strongroom_model::event::{AlarmCleared, AlarmKey, AlarmRaised, ClearedBy};
use strongroom_model::fold::fold;
use strongroom_model::text::printable;
use strongroom_model::{Actor, Event, Expected, IllegalTransition, Recorded, StreamName};
use strongroom_service::Clock;

use crate::context::new_event;

/// Tries after lost races. Each winner changed the alarm, so no race is endless.
const MAX_ATTEMPTS: u32 = 16;

const MESSAGE_CHARS: usize = 500;

const FLAPPING_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// How many ends within that time are immediate: a swapped drive, a server that restarts twice.
const FREE_CHANGES: u32 = 3;
/// The delay of the next end, from the beginning; it doubles with each further one.
const MIN_SETTLE: SignedDuration = SignedDuration::from_mins(1);
/// The longest delay of an end: whoever fixes the cause gets the mail the same day.
const MAX_SETTLE: SignedDuration = SignedDuration::from_hours(4);

/// Raises and clears alarms in an actor's name.
#[derive(Debug, Clone)]
pub struct Alarms {
    log: EventLog,
    clock: Clock,
    actor: Actor,
}

/// An alarm could not be raised or cleared.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each is")]
pub enum AlarmError {
    #[error("alarm {0} could not be read")]
    Read(StreamName, #[source] LogError),
    #[error("alarm {0} cannot be understood: run `strongroom log verify`")]
    Damaged(StreamName, #[source] IllegalTransition),
    #[error("alarm {0} could not be written")]
    Append(StreamName, #[source] AppendError),
    #[error("alarm {0} was changed by others {MAX_ATTEMPTS} times in a row: it is tried again")]
    Contended(StreamName),
}

/// The result of clearing an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleared {
    /// This call cleared it.
    Now,
    /// It was not raised.
    NotRaised,
    /// It flaps, and stays raised for this long; clear it again then, if it is still over.
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
    /// Alarms of that log, in that actor's name.
    #[must_use]
    pub const fn new(log: EventLog, clock: Clock, actor: Actor) -> Self {
        Self { log, clock, actor }
    }

    /// Raises an alarm, with its cause. One that is raised stays as it is. Returns whether this call raised it.
    ///
    /// # Errors
    /// The log could not be read or written; a retry is safe.
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

    /// As [`Alarms::raise`], but one with another message is cleared first, for the reason `over`. If we stop in
    /// between, the next process that meets the condition raises it.
    ///
    /// # Errors
    /// As [`Alarms::raise`].
    pub async fn renew(&self, alarm: &AlarmRaised, over: &str, cause: Option<&Recorded>) -> Result<bool, AlarmError> {
        let key = AlarmKey::new(alarm.kind, &alarm.subject);
        let stream = StreamName::alarm(&key);
        let known = folded(&stream, &self.history(&stream).await?)?;
        let message = printable(&alarm.message, MESSAGE_CHARS);
        if known.raised.is_some_and(|(raised, _)| raised.message != message) {
            self.clear(&key, over, cause).await?;
        }
        self.raise(alarm, cause).await
    }

    /// Clears an alarm, for the reason `message`. One that flaps stays raised for a while.
    ///
    /// # Errors
    /// As [`Alarms::raise`].
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

    /// What a person or a subject's event ends does not flap by itself.
    async fn settles_for(&self, key: &AlarmKey) -> Result<Option<SignedDuration>, AlarmError> {
        if matches!(key.kind.cleared_by(), ClearedBy::Event | ClearedBy::Person) {
            return Ok(None);
        }
        let history = self.history(&StreamName::alarm(key)).await?;
        let begun = history.iter().filter(|event| matches!(event.event, Event::AlarmRaised(_)));
        Ok(settle_for(&begun.map(|event| event.time).collect::<Vec<_>>(), self.clock.now()))
    }

    /// Compare and append: the loser of a race finds the other change.
    async fn change(
        &self,
        key: &AlarmKey,
        event: &Event,
        applies: fn(&Alarm) -> bool,
        cause: Option<&Recorded>,
    ) -> Result<bool, AlarmError> {
        let stream = StreamName::alarm(key);
        for _ in 0..MAX_ATTEMPTS {
            let history = self.history(&stream).await?;
            if !applies(&folded(&stream, &history)?) {
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

    async fn history(&self, alarm: &StreamName) -> Result<Vec<Recorded>, AlarmError> {
        self.log.stream(alarm).await.map_err(|source| AlarmError::Read(alarm.clone(), source))
    }
}

fn folded(alarm: &StreamName, history: &[Recorded]) -> Result<Alarm, AlarmError> {
    fold(history).map_err(|source| AlarmError::Damaged(alarm.clone(), source))
}

/// How long an alarm with these beginnings, oldest first, stays raised: with each one within a day twice as long, so
/// that it is mailed some thirty times a day.
fn settle_for(begun: &[Timestamp], now: Timestamp) -> Option<SignedDuration> {
    // A later one was recorded by a clock that has been set back since.
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
