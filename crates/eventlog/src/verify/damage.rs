//! What can be wrong with a log, and where.

use std::fmt;

use strongroom_model::text::printable;
use strongroom_model::{Position, StreamName, Version};

/// Something in a log that is not right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The first position that it touches.
    pub position: Position,
    /// What it is.
    pub fault: Fault,
}

/// What is not right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No event is there.
    Missing,
    /// The database cannot read what is there.
    Unreadable(String),
    /// The bytes are not the ones that were hashed when they were stored.
    ChangedBytes,
    /// The bytes are no event.
    NoEvent(String),
    /// The event names another position, so it was stored elsewhere.
    Misplaced(Position),
    /// A column says something else than the event.
    Column(&'static str),
    /// The event is not the next of its stream.
    WrongVersion(StreamName, Version),
    /// The projection of its stream says something else than the stream's last event.
    Projection(StreamName),
    /// The projection has a stream that no event is of.
    UnknownStream(String),
    /// There are events beyond the log's head.
    BeyondHead,
    /// The tree over the events up to this position (not included) has another root than
    /// the head: one of them was changed together with its hash.
    Root(Position),
    /// The tree over so many events has another root than an earlier head of that size: one from here on and before
    /// there was changed, with everything that was computed from it.
    EarlierHead(u64),
    /// The head does not fit its own size.
    Head,
    /// The log is shorter than an earlier head of that size: its end was cut off.
    CutOff(u64),
    /// Something that guards the log is missing, is not what was installed, or was not there then: a
    /// trigger, a function, a right.
    Guard(String),
    /// The database's own check fails.
    Database(String),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.position;
        match &self.fault {
            Fault::Missing => write!(f, "position {at}: no event is there"),
            Fault::Unreadable(why) => write!(f, "position {at}: the database cannot read it ({why})"),
            Fault::ChangedBytes => write!(f, "position {at}: its bytes were changed after they were stored"),
            Fault::NoEvent(why) => write!(f, "position {at}: what is there is no event ({why})"),
            Fault::Misplaced(says) => write!(f, "position {at}: the event there belongs at position {says}"),
            Fault::Column(name) => write!(f, "position {at}: its column {name} is not what the event says"),
            Fault::WrongVersion(stream, version) => {
                write!(f, "position {at}: version {version} of {stream} does not follow the one before it")
            }
            Fault::Projection(stream) => write!(
                f,
                "position {at}: the projection of {stream} is not what its last event says; the events are well"
            ),
            Fault::UnknownStream(stream) => {
                write!(f, "position {at}: the projection has a stream {stream:?} whose last event is not there")
            }
            Fault::BeyondHead => write!(f, "position {at}: it is beyond the log's head"),
            Fault::Root(to) => write!(
                f,
                "position {at}: the events from here to before {to} are not those that the root stands for; one was changed with its hash"
            ),
            Fault::EarlierHead(size) => {
                write!(
                    f,
                    "position {at}: an event from here to before {size} is another than it was: the first {size} events had another root"
                )
            }
            Fault::CutOff(size) => write!(f, "position {at}: the log ends here, but had {size} events earlier"),
            Fault::Head => write!(f, "position {at}: the log's head does not fit its size"),
            Fault::Guard(name) => write!(f, "what guards the log is not what was installed: {name}"),
            Fault::Database(why) => write!(f, "the database's own check fails: {}", printable(why, 300)),
        }
    }
}
