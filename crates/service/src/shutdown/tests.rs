use super::*;

#[test]
fn giving_up_is_the_second_step() {
    let shutdown = Shutdown::new();
    shutdown.request();
    assert!(shutdown.stop().is_cancelled() && !shutdown.abort().is_cancelled());
    shutdown.give_up();
    assert!(shutdown.abort().is_cancelled());
}

/// A real SIGTERM to this very process: the listener takes it, so the test lives on.
#[cfg(unix)]
#[tokio::test]
async fn the_first_signal_stops_and_the_bound_after_it_gives_up() {
    let shutdown = Shutdown::on_signals(Duration::from_millis(50));
    let this = rustix::process::getpid();
    rustix::process::kill_process(this, rustix::process::Signal::TERM).unwrap();
    tokio::time::timeout(Duration::from_secs(30), shutdown.stop().cancelled()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(30), shutdown.abort().cancelled()).await.unwrap();
}

#[tokio::test]
async fn a_stop_without_a_signal_is_bounded_as_well() {
    let shutdown = Shutdown::on_signals(Duration::from_millis(10));
    shutdown.request();
    tokio::time::timeout(Duration::from_secs(30), shutdown.abort().cancelled()).await.unwrap();
}
