//! Rebuilding the projection from the events.

use strongroom_model::text::with_causes;
use strongroom_model::{Event, Position, Recorded};

use crate::error::LogError;
use crate::stored::decode;
use crate::stream_head::{Moved, StreamHead};

#[derive(Debug)]
pub(crate) struct LastEvent {
    pub(crate) position: i64,
    pub(crate) body: String,
    pub(crate) first: Option<i64>,
    /// The stream's last decisive event, if this one keeps the status.
    pub(crate) decisive: Option<String>,
}

impl LastEvent {
    fn head(&self) -> Result<StreamHead, LogError> {
        let last = decode(Position(self.position.unsigned_abs()), &self.body)?;
        let damaged = LogError::Damaged { position: last.position, reason: "its stream has no first event" };
        let first = Position(self.first.ok_or(damaged)?.unsigned_abs());
        let decisive = decisive(&last, self.decisive.as_deref()).map_err(|()| LogError::Damaged {
            position: last.position,
            reason: "an earlier event of its stream cannot be read",
        })?;
        Ok(StreamHead::of(first, &last, decisive.as_ref()))
    }
}

/// The event that status and partition follow from.
pub(crate) fn decisive(last: &Recorded, earlier: Option<&str>) -> Result<Option<Event>, ()> {
    if !last.event.keeps_status() {
        return Ok(Some(last.event.clone()));
    }
    earlier.map(|body| Recorded::parse(body).map(|recorded| recorded.event).map_err(|_| ())).transpose()
}

pub(crate) fn heads(lasts: &[LastEvent]) -> Result<Vec<Moved>, LogError> {
    lasts.iter().map(|last| last.head().map(Moved::to)).collect()
}

/// Without unreadable ones, for an upgrade: one event must not keep a site from its log. Their rows stay, and nobody
/// works on their subjects until they can be read.
pub(crate) fn readable_heads(lasts: &[LastEvent]) -> Vec<Moved> {
    let head = |last: &LastEvent| {
        let warn = |error: &LogError| {
            tracing::warn!(position = last.position, error = %with_causes(error),
                "an event cannot be read: its subject's row in the projection stays as it was");
        };
        last.head().inspect_err(warn).ok().map(Moved::to)
    };
    lasts.iter().filter_map(head).collect()
}
