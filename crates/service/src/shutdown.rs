//! Stopping in two steps: finish what is in hand, then give up.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long what is in hand may take to finish after the first signal, unless configured:
/// the read timeout of a stalled transfer and a batch's sync fit into it.
pub const DEFAULT_STOP_BOUND: Duration = Duration::from_secs(60);

/// The two steps. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    stop: CancellationToken,
    abort: CancellationToken,
}

impl Shutdown {
    /// Nothing is asked for yet, and no signal is heard.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Hears SIGINT and SIGTERM (Ctrl-C on Windows) from now on: the first asks for the
    /// stop, the second, or `bound` after the first, for giving up. Must be called within
    /// a tokio runtime.
    #[must_use]
    pub fn on_signals(bound: Duration) -> Self {
        let shutdown = Self::new();
        let steps = shutdown.clone();
        // Before anything else runs: a signal that nobody hears ends the process at once.
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

    /// Asks for the first step: take nothing new, finish what is in hand.
    pub fn request(&self) {
        self.stop.cancel();
    }

    /// Asks for both steps: let go of what is in hand as well. It is found in the log again.
    pub fn give_up(&self) {
        self.stop.cancel();
        self.abort.cancel();
    }

    /// Cancelled from the first step on.
    #[must_use]
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Cancelled from the second step on.
    #[must_use]
    pub fn abort(&self) -> CancellationToken {
        self.abort.clone()
    }

    /// Whether the first step was asked for.
    #[must_use]
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
