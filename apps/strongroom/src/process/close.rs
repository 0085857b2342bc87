//! The end of a process: what is in flight is finished, until somebody aborts it.

use std::time::Duration;

use strongroom_service::{Shutdown, systemd};

use super::Process;
use crate::cli_error::CliError;
use crate::exit::Exit;

/// How long an orderly end may still take after an abort: closing a log is a few milliseconds.
const ABORT_GRACE: Duration = Duration::from_secs(5);

/// Waits for an abort, and then a grace period for an orderly end.
pub(crate) fn aborted(shutdown: &Shutdown) -> impl Future<Output = ()> + use<> {
    let abort = shutdown.abort();
    async move {
        abort.cancelled().await;
        tokio::time::sleep(ABORT_GRACE).await;
    }
}

impl Process {
    /// Finishes what is in flight, until an abort, and closes everything in order. `done` is how the work ended.
    pub(crate) async fn close<T>(self, done: Result<T, CliError>) -> Result<T, CliError> {
        systemd::stopping();
        self.stop.cancel();
        drop(self.schedule);
        drop(self.job_keeper);
        drop(self.monitor);
        let aborted = aborted(&self.shutdown);
        let parts = self.parts.now();
        tokio::select! {
            () = async {
                if let Some(verify) = &self.verify {
                    verify.stop_salvaging();
                }
                self.pipeline.ended().await;
                if let Some(verify) = &self.verify {
                    verify.salvaged().await;
                    verify.fold().await;
                }
                if let Some(relay) = self.relay {
                    relay.ended().await;
                }
                self.presence.end(parts).await;
                self.checkpoints.close().await;
                self.log.close().await;
            } => {}
            // What is not closed in order is as after a power cut, which loses nothing.
            () = aborted => tracing::warn!("the process was not closed cleanly in time; the next start continues from the log"),
        }
        self.traces.flush().await;
        done
    }

    /// As [`Process::close`], where there is nothing to say but that it went well.
    pub(crate) async fn end(self, done: Result<(), CliError>) -> Result<Exit, CliError> {
        self.close(done).await.map(|()| Exit::Well)
    }
}
