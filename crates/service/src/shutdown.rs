//! Shutdown in two steps: finish in-flight work, then abort it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// For in-flight work after the first signal: a stalled transfer's read timeout and a batch's sync fit in.
pub const DEFAULT_STOP_BOUND: Duration = Duration::from_secs(60);

/// The two steps; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    stop: CancellationToken,
    abort: CancellationToken,
}

impl Shutdown {
    /// Requested only by calls, not by signals.
    pub fn new() -> Self {
        Self::default()
    }

    /// Handles SIGINT and SIGTERM (Ctrl-C on Windows): the first stops; the second, or `bound` after it, aborts. Call
    /// it within a tokio runtime.
    pub fn on_signals(bound: Duration) -> Self {
        let shutdown = Self::new();
        let steps = shutdown.clone();
        // At once: until then a signal ends the process.
        let mut signals = signals::Signals::new();
        tokio::spawn(async move {
            tokio::select! {
                () = signals.next() => tracing::info!("shutting down: finishing in-flight work; signal again to abort"),
                () = steps.stop.cancelled() => {}
            }
            steps.request();
            tokio::select! {
                () = signals.next() => tracing::warn!("aborting in-flight work; the next start resumes it"),
                () = tokio::time::sleep(bound) => {
                    tracing::warn!(bound_s = bound.as_secs(), "in-flight work took too long: aborting it");
                }
                () = steps.abort.cancelled() => {}
            }
            steps.give_up();
        });
        shutdown
    }

    /// Take nothing new, finish in-flight work.
    pub fn request(&self) {
        self.stop.cancel();
    }

    /// Abort in-flight work too. The log still has it.
    pub fn give_up(&self) {
        self.stop.cancel();
        self.abort.cancel();
    }

    /// Cancelled by the first step.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Cancelled by the second step.
    pub fn abort(&self) -> CancellationToken {
        self.abort.clone()
    }

    /// Whether the first step was requested.
    pub fn is_requested(&self) -> bool {
        self.stop.is_cancelled()
    }
}

#[cfg(unix)]
mod signals {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    pub(super) struct Signals {
        interrupt: Signal,
        terminate: Signal,
    }

    impl Signals {
        pub(super) fn new() -> Self {
            let listen = |kind| signal(kind).expect("the runtime has its signal driver");
            Self { interrupt: listen(SignalKind::interrupt()), terminate: listen(SignalKind::terminate()) }
        }

        pub(super) async fn next(&mut self) {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
        }
    }
}

#[cfg(not(unix))]
mod signals {
    pub(super) struct Signals;

    impl Signals {
        pub(super) fn new() -> Self {
            Self
        }

        pub(super) async fn next(&mut self) {
            tokio::signal::ctrl_c().await.expect("the runtime has its signal driver");
        }
    }
}

#[cfg(test)]
mod tests;
