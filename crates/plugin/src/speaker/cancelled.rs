//! Whether an operation was cancelled.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Set once the operation is cancelled: by a `cancel` line, by SIGTERM, or because nobody reads what the plugin says.
/// The end of standard input does not set it. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Cancelled {
    shared: Arc<(Mutex<bool>, Condvar)>,
}

impl Cancelled {
    /// Not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels. It cannot be undone.
    pub fn set(&self) {
        *self.shared.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.1.notify_all();
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is cancelled, at most so long; whether it was.
    #[must_use]
    pub fn wait(&self, at_most: Duration) -> bool {
        let set = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.shared.1.wait_timeout_while(set, at_most, |set| !*set);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
