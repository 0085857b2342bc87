//! Events for copies' streams, each expecting the version that its stream has.

use std::collections::HashMap;

use jiff::Timestamp;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::{Actor, Event, Expected, NewEvent, Recorded, StreamName};

/// Collects events for many streams. Whoever is faster on one of them makes the append fail as a whole, and the slice is
/// done again.
#[derive(Debug)]
pub(crate) struct Journal {
    expected: HashMap<StreamName, Expected>,
    time: Timestamp,
    actor: Actor,
    cause: Recorded,
    events: Vec<NewEvent>,
}

impl Journal {
    pub(crate) async fn open(
        log: &EventLog,
        streams: &[StreamName],
        time: Timestamp,
        actor: &Actor,
        cause: &Recorded,
    ) -> Result<Self, LogError> {
        let heads = log.heads(streams).await?;
        let expected = heads.into_iter().map(|(stream, head)| (stream, Expected::After(head.version))).collect();
        Ok(Self { expected, time, actor: actor.clone(), cause: cause.clone(), events: Vec::new() })
    }

    pub(crate) fn add(&mut self, stream: StreamName, event: Event) {
        let expected = self.expected.get(&stream).copied().unwrap_or(Expected::New);
        self.expected.insert(stream.clone(), Expected::After(expected.next()));
        let event = NewEvent::new(stream, expected, self.time, self.actor.clone(), event);
        self.events.push(NewEvent { cause: Some(self.cause.id), ..event });
    }

    pub(crate) fn into_events(self) -> Vec<NewEvent> {
        self.events
    }
}
