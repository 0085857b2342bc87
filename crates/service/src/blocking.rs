use crate::fault;

/// Runs a blocking call on a thread for such calls.
///
/// # Panics
/// If the call panics; the runner contains that as the stage's panic.
pub async fn blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(fault::inherited(call)).await {
        Ok(answer) => answer,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down: nobody polls this again.
            Err(_) => std::future::pending().await,
        },
    }
}
