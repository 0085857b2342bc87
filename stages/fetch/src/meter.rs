//! How many bytes have come: for a progress bar, and for nothing that must be right.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use strongroom_model::ByteCount;

/// Counts bytes as they come. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    bytes: Arc<AtomicU64>,
}

impl Meter {
    /// How many bytes have come since the process began, whatever became of them: those of
    /// a transfer that began anew count twice.
    #[must_use]
    pub fn bytes(&self) -> ByteCount {
        ByteCount(self.bytes.load(Ordering::Relaxed))
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
