use std::sync::atomic::{AtomicBool, Ordering};

use strongroom_model::event::AlarmRaised;

use crate::client::Source;
use crate::error::SourceError;

/// Checks the server before a batch if the last one failed. A healthy server gets no such requests.
#[derive(Debug)]
pub struct Guard {
    source: Source,
    is_suspect: AtomicBool,
}

impl Guard {
    /// Without a failure so far.
    pub const fn new(source: Source) -> Self {
        Self { source, is_suspect: AtomicBool::new(false) }
    }

    /// Notes a failure.
    pub fn suspect(&self) {
        self.is_suspect.store(true, Ordering::Relaxed);
    }

    /// Whether work may go on.
    pub async fn ready(&self) -> Result<(), AlarmRaised> {
        if self.is_suspect.load(Ordering::Relaxed) {
            self.source.check().await.map_err(SourceError::into_obstacle)?;
            self.is_suspect.store(false, Ordering::Relaxed);
        }
        Ok(())
    }
}
