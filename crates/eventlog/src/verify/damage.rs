//! What can be wrong with a log, and where.

use std::fmt;

use strongroom_model::text::printable;
use strongroom_model::{Position, StreamName, Version};

/// A fault and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The first affected position.
    pub position: Position,
    /// The fault.
    pub fault: Fault,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The event is missing.
    Missing,
    /// The database cannot read it.
    Unreadable(String),
    /// The bytes differ from their hash.
    ChangedBytes,
    /// The bytes are not an event.
    NoEvent(String),
    /// The event names another position.
    Misplaced(Position),
    /// A column contradicts the event.
    Column(&'static str),
    /// The event is not its stream's next.
    WrongVersion(StreamName, Version),
    /// The projection contradicts the stream's last event.
    Projection(StreamName),
    /// The projection has a stream without events.
    UnknownStream(String),
    /// Events beyond the log's head.
    BeyondHead,
    /// Another root than the head's up to this position (excluded): an event was changed together with its hash.
    Root(Position),
    /// Another root than an earlier head of that size: an event before it was changed, with all that was computed from
    /// it.
    EarlierHead(u64),
    /// The head contradicts its own size.
    Head,
    /// Shorter than an earlier head: the end was cut off.
    CutOff(u64),
    /// A guard (trigger, function, right) is missing or changed, or was added.
    Guard(String),
    /// The database's own check failed.
    Database(String),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.position;
        match &self.fault {
            Fault::Missing => write!(f, "position {at}: its event is missing"),
            Fault::Unreadable(why) => write!(f, "position {at}: the database cannot read it ({why})"),
            Fault::ChangedBytes => write!(f, "position {at}: its bytes were changed after they were stored"),
            Fault::NoEvent(why) => write!(f, "position {at}: it is not an event ({why})"),
            Fault::Misplaced(says) => write!(f, "position {at}: the event there belongs at position {says}"),
            Fault::Column(name) => write!(f, "position {at}: its column {name} differs from the event"),
            Fault::WrongVersion(stream, version) => {
                write!(f, "position {at}: version {version} of {stream} does not follow the one before it")
            }
            Fault::Projection(stream) => write!(
                f,
                "position {at}: the projection of {stream} differs from its last event; the events are intact"
            ),
            Fault::UnknownStream(stream) => {
                write!(f, "position {at}: the projection has a stream {stream:?} whose last event is not there")
            }
            Fault::BeyondHead => write!(f, "position {at}: it is beyond the log's head"),
            Fault::Root(to) => write!(
                f,
                "position {at}: the events from here to before {to} do not match the root; one was changed with its hash"
            ),
            Fault::EarlierHead(size) => {
                write!(
                    f,
                    "position {at}: an event from here to before {size} was changed: the first {size} events had another root"
                )
            }
            Fault::CutOff(size) => write!(f, "position {at}: the log ends here, but had {size} events earlier"),
            Fault::Head => write!(f, "position {at}: the log's head does not fit its size"),
            Fault::Guard(name) => write!(f, "what guards the log is not what was installed: {name}"),
            Fault::Database(why) => write!(f, "the database's own check fails: {}", printable(why, 300)),
        }
    }
}
