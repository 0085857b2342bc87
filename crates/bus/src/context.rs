use strongroom_eventlog::EventLog;
use strongroom_model::{Actor, Event, Expected, NewEvent, Recorded, StageName, StreamName};
use strongroom_service::Clock;

use crate::alarms::Alarms;
use crate::retry::RetryPolicy;

/// What a stage's results are recorded with.
#[derive(Debug, Clone)]
pub struct StageContext {
    /// The site's log.
    pub log: EventLog,
    /// For the events' times and for retries.
    pub clock: Clock,
    /// Who did it, such as `fetch@backup-1`.
    pub actor: Actor,
    /// The stage whose failures are recorded.
    pub stage: StageName,
    /// When a failure is tried again.
    pub retry: RetryPolicy,
}

impl StageContext {
    /// Alarms in the same name.
    #[must_use]
    pub fn alarms(&self) -> Alarms {
        Alarms::new(self.log.clone(), self.clock.clone(), self.actor.clone())
    }
}

pub(crate) fn new_event(
    (clock, actor): (&Clock, &Actor),
    stream: StreamName,
    expected: Expected,
    event: Event,
    cause: Option<&Recorded>,
) -> NewEvent {
    NewEvent {
        cause: cause.map(|cause| cause.id),
        run: cause.and_then(|cause| cause.run),
        ..NewEvent::new(stream, expected, clock.now(), actor.clone(), event)
    }
}
