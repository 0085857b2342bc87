//! The document server as a stage sees it between its batches.

use std::sync::atomic::{AtomicBool, Ordering};

use strongroom_model::event::AlarmRaised;

use crate::client::Source;
use crate::error::SourceError;

/// Asks the server whether it works before the next batch, if the last one failed. While all is well, no request is
/// spent on asking.
#[derive(Debug)]
pub struct Guard {
    source: Source,
    is_suspect: AtomicBool,
}

impl Guard {
    /// A guard that has not seen a failure.
    #[must_use]
    pub const fn new(source: Source) -> Self {
        Self { source, is_suspect: AtomicBool::new(false) }
    }

    /// Work on the server has failed.
    pub fn suspect(&self) {
        self.is_suspect.store(true, Ordering::Relaxed);
    }

    /// Whether work may go on.
    ///
    /// # Errors
    /// The server does not work: what is in the way.
    pub async fn ready(&self) -> Result<(), AlarmRaised> {
        if self.is_suspect.load(Ordering::Relaxed) {
            self.source.check().await.map_err(SourceError::into_obstacle)?;
            self.is_suspect.store(false, Ordering::Relaxed);
        }
        Ok(())
    }
}
