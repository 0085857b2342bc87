//! State as a fold over a stream's events.

use crate::envelope::Recorded;
use crate::event::Event;

/// An event that cannot follow: a damaged log, or a foreign writer.
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

    /// For messages.
    fn describe(&self) -> String;

    /// That event's error in this state.
    fn refuse(&self, event: &Event) -> IllegalTransition {
        IllegalTransition { state: self.describe(), event: event.type_name() }
    }

    /// The next attempt's number, from 1.
    fn attempt(&self) -> u32;
}

/// Folds a whole stream.
///
/// # Errors
/// An event cannot follow.
pub fn fold<'a, S: Fold>(events: impl IntoIterator<Item = &'a Recorded>) -> Result<S, IllegalTransition> {
    events.into_iter().try_fold(S::default(), S::next)
}
