use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use strongroom_model::ByteCount;

/// Counts received bytes, for a progress bar; clones share the count.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    bytes: Arc<AtomicU64>,
}

impl Meter {
    /// Bytes received since the process began; restarted transfers count twice.
    pub fn bytes(&self) -> ByteCount {
        ByteCount(self.bytes.load(Ordering::Relaxed))
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
