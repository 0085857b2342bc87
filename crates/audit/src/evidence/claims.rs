//! What follows from a pack's events.

mod copies;
mod purge;
mod words;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strongroom_model::{Position, Recorded};

pub use self::copies::{Copy, Fault, ProvenBy};
pub use self::purge::{Agreed, NamedProof, Purge, PurgeRun, PurgedFile, Refused};
use super::Subject;
use crate::sentence::sentence;

/// An event in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its position.
    pub position: Position,
    /// When it happened.
    pub time: Timestamp,
    /// Who caused it.
    pub actor: String,
    /// What happened.
    pub sentence: String,
}

impl Entry {
    pub(super) fn when(&self) -> String {
        words::time(self.time)
    }
}

/// What a pack says of its events.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) sentence: String,
    pub(super) copies: Vec<Copy>,
    pub(super) purge: Option<Purge>,
    pub(super) story: Vec<Entry>,
}

impl Claims {
    /// From the events by position.
    pub(super) fn of(subject: &Subject, events: &[Recorded]) -> Self {
        let copies = copies::copies(subject, events);
        let purge = match subject {
            Subject::Purge(id) => Some(Purge::of(id, events)),
            _ => None,
        };
        let sentence = words::summed_up(subject, events, &copies, purge.as_ref());
        Self { sentence, copies, purge, story: events.iter().map(entry).collect() }
    }
}

fn entry(recorded: &Recorded) -> Entry {
    Entry {
        position: recorded.position,
        time: recorded.time,
        actor: recorded.actor.to_string(),
        sentence: sentence(recorded),
    }
}
