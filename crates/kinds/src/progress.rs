//! How far an operation is, said now and then.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use strongroom_plugin::{Speaker, protocol};

/// Often enough for a person who looks, and far below any bound of silence.
const EVERY: Duration = Duration::from_secs(5);

/// Counts, and says the counts every few seconds.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    speaker: &'a Speaker,
    phase: &'static str,
    files: AtomicU64,
    bytes: AtomicU64,
    said: Mutex<Instant>,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(speaker: &'a Speaker, phase: &'static str) -> Self {
        Self { speaker, phase, files: AtomicU64::new(0), bytes: AtomicU64::new(0), said: Mutex::new(Instant::now()) }
    }

    /// One more file.
    pub(crate) fn file(&self, bytes: u64) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.alive();
    }

    /// The tool printed something.
    pub(crate) fn alive(&self) {
        {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            if said.elapsed() < EVERY {
                return;
            }
            *said = Instant::now();
        }
        self.speaker.progress(protocol::Progress {
            files: self.files.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            phase: Some(self.phase.to_owned()),
            ..protocol::Progress::default()
        });
    }
}
