//! State as a fold over a stream's events.

use crate::envelope::Recorded;
use crate::event::Event;

/// An event that cannot follow the state it was folded into: the log is damaged, or was
/// written by something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event} cannot happen to {state}")]
pub struct IllegalTransition {
    /// The state, in words.
    pub state: String,
    /// The event's type.
    pub event: &'static str,
}

/// A state that events move. One function serves the live stages, replay, the console
/// and the tests.
pub trait Fold: Default + Clone + Send + Sync + 'static {
    /// The state after `event`, which happened at `event.time`.
    ///
    /// # Errors
    /// The event cannot follow this state. The state is lost; clone it before to keep it.
    fn next(self, event: &Recorded) -> Result<Self, IllegalTransition>;

    /// The state in words, for messages.
    fn describe(&self) -> String;

    /// An [`IllegalTransition`] from here by that event.
    fn refuse(&self, event: &Event) -> IllegalTransition {
        IllegalTransition { state: self.describe(), event: event.type_name() }
    }

    /// Which attempt the stage's next failure on this subject would be, from 1.
    fn attempt(&self) -> u32;
}

/// Folds a whole stream.
///
/// # Errors
/// One of the events cannot follow what came before it.
pub fn fold<'a, S: Fold>(events: impl IntoIterator<Item = &'a Recorded>) -> Result<S, IllegalTransition> {
    events.into_iter().try_fold(S::default(), S::next)
}
