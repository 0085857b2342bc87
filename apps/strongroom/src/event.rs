//! An event of this program's own.

use jiff::Timestamp;
use strongroom_model::{Actor, Event, EventId, Expected, NewEvent, StreamName};

/// Of no run, and caused by no other event.
pub(crate) fn new_event(
    stream: StreamName,
    expected: Expected,
    time: Timestamp,
    actor: &Actor,
    event: Event,
) -> NewEvent {
    let (id, actor) = (EventId::new(time), actor.clone());
    NewEvent { id, stream, expected, time, actor, cause: None, run: None, event }
}
