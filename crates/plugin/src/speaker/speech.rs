//! Writes messages.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::Cancelled;
use crate::protocol::{Item, Level, Log, PluginMessage, Progress, State};

/// Says what a plugin has to say, one line at a time. Clones share the output.
#[derive(Clone)]
pub struct Speaker {
    to: Arc<Mutex<Box<dyn Write + Send>>>,
    cancelled: Cancelled,
}

impl fmt::Debug for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speaker").field("cancelled", &self.cancelled).finish_non_exhaustive()
    }
}

impl Speaker {
    /// Writes there.
    #[must_use]
    pub fn new(to: impl Write + Send + 'static, cancelled: Cancelled) -> Self {
        Self { to: Arc::new(Mutex::new(Box::new(to))), cancelled }
    }

    /// Whether the operation was cancelled.
    #[must_use]
    pub const fn cancelled(&self) -> &Cancelled {
        &self.cancelled
    }

    /// How far it is. Said at least every `limits.stall_s` seconds, it shows that the operation goes on.
    pub fn progress(&self, progress: Progress) {
        self.say(&PluginMessage::Progress(progress));
    }

    /// A line for the detail file.
    pub fn log(&self, level: Level, text: impl Into<String>) {
        self.say(&PluginMessage::Log(Log { level, text: text.into() }));
    }

    /// A file that was not simply copied.
    pub fn item(&self, item: Item) {
        self.say(&PluginMessage::Item(item));
    }

    /// What the next operation is given back.
    pub fn state(&self, state: Value) {
        self.say(&PluginMessage::State(State { state }));
    }

    /// A host that no longer reads has gone: nobody will record what is still done, so the operation is cancelled.
    pub(super) fn say(&self, message: &PluginMessage) {
        let mut line = serde_json::to_vec(message).expect("messages have only string keys");
        line.push(b'\n');
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        if to.write_all(&line).and_then(|()| to.flush()).is_err() {
            self.cancelled.set();
        }
    }
}
