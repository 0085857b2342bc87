//! SIGTERM in a process without a runtime of its own.

use std::io;

/// Calls `then` once, from a thread of its own, when the process is asked to end: SIGTERM, or SIGINT. From now on
/// neither ends it. On Windows nothing asks a process without a console, so it is never called there.
#[cfg(unix)]
pub fn on_terminate(then: impl FnOnce() + Send + 'static) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let (mut terminate, mut interrupt) = {
        let _inside = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    let wait = move || {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        then();
    };
    std::thread::Builder::new().name("terminate".to_owned()).spawn(wait)?;
    Ok(())
}

/// Calls `then` once the process is asked to end, which does not happen here.
#[cfg(not(unix))]
pub fn on_terminate(then: impl FnOnce() + Send + 'static) -> io::Result<()> {
    drop(then);
    Ok(())
}
