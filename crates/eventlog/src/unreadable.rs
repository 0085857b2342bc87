//! Events that this version cannot read: of a type that only a later one knows, or with data that a writer got wrong.
//!
//! Such an event stops nothing but its own subject (rule R9). Whoever reads many events leaves it out, and it is
//! reported once by each process; whoever acts on its subject leaves the subject alone.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_model::Position;
use strongroom_model::text::with_causes;

use crate::error::LogError;

/// How many are told apart. Beyond these each is reported again and again, which is as bad as it looks.
const MAX_KNOWN: usize = 10_000;

/// Those that this process has met.
#[derive(Debug, Default)]
pub(crate) struct Unreadable(Mutex<BTreeSet<Position>>);

impl Unreadable {
    /// Notes one, and reports it where it is new.
    pub(crate) fn met(&self, position: Position, error: &LogError) {
        let is_new = {
            let mut known = self.known();
            known.len() >= MAX_KNOWN || known.insert(position)
        };
        if is_new {
            tracing::error!(%position, error = %with_causes(error),
                "an event of the log cannot be read and its subject is left alone: upgrade strongroom if a later \
                 version wrote it; `strongroom log verify` names all such events");
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.known().len()
    }

    fn known(&self) -> MutexGuard<'_, BTreeSet<Position>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
