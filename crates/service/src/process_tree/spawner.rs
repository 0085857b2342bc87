//! Starts children from one thread, which lives as long as the process.
//!
//! The death signal comes when the *thread* ends that started the child (prctl(2), `PR_SET_PDEATHSIG`), and a thread
//! of tokio's pool may end long before the process.

use std::io;
use std::sync::{OnceLock, mpsc};

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

struct Start {
    command: Command,
    runtime: Handle,
    started: oneshot::Sender<io::Result<Child>>,
}

/// Starts a child. Call it within a tokio runtime, which drives the child.
pub async fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<io::Result<mpsc::Sender<Start>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, starts) = mpsc::channel::<Start>();
        std::thread::Builder::new().name("spawner".to_owned()).spawn(move || serve(&starts))?;
        Ok(sender)
    });
    let spawner = spawner.as_ref().map_err(|error| io::Error::from(error.kind()))?;
    let (started, answer) = oneshot::channel();
    let lost = || io::Error::other("the thread that starts processes has ended");
    spawner.send(Start { command, runtime: Handle::current(), started }).map_err(|_| lost())?;
    answer.await.map_err(|_| lost())?
}

fn serve(starts: &mpsc::Receiver<Start>) {
    for Start { mut command, runtime, started } in starts {
        let _inside = runtime.enter();
        // Whoever asked may have been dropped: then the child goes with this result, if it dies with its handle.
        let _ = started.send(command.spawn());
    }
}
