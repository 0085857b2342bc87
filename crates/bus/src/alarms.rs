//! Raising and clearing alarms: each begins once and ends once, whoever else tries.

use strongroom_eventlog::{AppendError, EventLog, LogError};
use strongroom_model::alarm::Alarm;
use strongroom_model::event::{AlarmCleared, AlarmKey, AlarmRaised};
use strongroom_model::fold::fold;
use strongroom_model::text::printable;
use strongroom_model::{Actor, Event, Expected, IllegalTransition, Recorded, StreamName};
use strongroom_service::Clock;

use crate::desk::new_event;

/// How often an append is tried that others were faster than. Each of them changed the
/// alarm, so there is no endless race to be lost.
const TRIES: u32 = 16;

/// How many characters of a sentence go into an alarm: it is read in a mail.
const MESSAGE_CHARS: usize = 500;

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
    #[error("alarm {0} changed {TRIES} times while it was to be changed: it is tried again")]
    Contended(StreamName),
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

    /// Clears an alarm, and says in `message` what was found to be well again. One that
    /// is not raised stays so. Returns whether it was this call that cleared it.
    ///
    /// # Errors
    /// The log could not be read or written; doing it again is harmless.
    pub async fn clear(&self, key: &AlarmKey, message: &str, cause: Option<&Recorded>) -> Result<bool, AlarmError> {
        let cleared = AlarmCleared { message: printable(message, MESSAGE_CHARS) };
        let changed = self.change(key, &Event::AlarmCleared(cleared), |alarm| alarm.raised.is_some(), cause).await?;
        if changed {
            tracing::info!(alarm = %key, message, "alarm cleared");
        }
        Ok(changed)
    }

    /// Appends `event` if the alarm is as `wanted`. Compare and append: of two that find it
    /// so at once one is refused by the log, looks again, and finds it done.
    async fn change(
        &self,
        key: &AlarmKey,
        event: &Event,
        wanted: fn(&Alarm) -> bool,
        cause: Option<&Recorded>,
    ) -> Result<bool, AlarmError> {
        let stream = StreamName::alarm(key);
        for _ in 0..TRIES {
            let history = self.log.stream(&stream).await.map_err(|source| AlarmError::Read(stream.clone(), source))?;
            let alarm: Alarm = fold(&history).map_err(|source| AlarmError::Damaged(stream.clone(), source))?;
            if !wanted(&alarm) {
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
