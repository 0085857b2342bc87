//! Work that blocks.

/// Runs `work` where blocking is allowed. Given up, it runs to its end all the same: a drive
/// cannot be interrupted, only left.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down, and takes this task with it at its next await.
            Err(_) => std::future::pending().await,
        },
    }
}
