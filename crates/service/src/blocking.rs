//! Calls that block, off the threads that must not.

use crate::fault;

/// Runs what blocks, and waits for it.
///
/// # Panics
/// The call panicked: the runner contains that, as a panic of the stage.
pub async fn blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(fault::inherited(call)).await {
        Ok(answer) => answer,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down and ran it no more: nobody will poll us again either.
            Err(_) => std::future::pending().await,
        },
    }
}
