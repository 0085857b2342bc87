//! Events of an unknown type or with malformed data. Such an event stops only its own subject (rule R9): bulk readers
//! skip it and report it once per process.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_model::Position;
use strongroom_model::text::with_causes;

use crate::error::LogError;

/// Beyond these, each is reported every time.
const MAX_KNOWN: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Unreadable(Mutex<BTreeSet<Position>>);

impl Unreadable {
    pub(crate) fn report(&self, position: Position, error: &LogError) {
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
