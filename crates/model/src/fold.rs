//! State as a fold over a stream's events.

use crate::envelope::Recorded;
use crate::event::Event;

/// An event that cannot follow the state before it: the log is damaged, or another program wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event} cannot happen to {state}")]
pub struct IllegalTransition {
    /// The state, in words.
    pub state: String,
    /// The event's type.
    pub event: &'static str,
}

/// A state moved by events, for live stages, replay and tests alike.
pub trait Fold: Default + Clone + Send + Sync + 'static {
    /// The state after `event`.
    ///
    /// # Errors
    /// The event cannot follow this state, which is lost.
    fn next(self, event: &Recorded) -> Result<Self, IllegalTransition>;

    /// The state in words, for messages.
    fn describe(&self) -> String;

    /// The error for an event that cannot follow this state.
    fn refuse(&self, event: &Event) -> IllegalTransition {
        IllegalTransition { state: self.describe(), event: event.type_name() }
    }

    /// The number of the stage's next attempt, from 1.
    fn attempt(&self) -> u32;
}

/// Folds a whole stream.
///
/// # Errors
/// An event cannot follow the one before.
pub fn fold<'a, S: Fold>(events: impl IntoIterator<Item = &'a Recorded>) -> Result<S, IllegalTransition> {
    events.into_iter().try_fold(S::default(), S::next)
}
