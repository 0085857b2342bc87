//! Notifications of other processes' appends.

use std::time::Duration;

use strongroom_eventlog::EventLog;
use tokio::time::timeout;

use crate::sample::{PATIENCE, database, event, open};

#[tokio::test]
async fn a_log_is_notified_of_other_processes_commits_and_not_of_another_sites() {
    let database = database().await;
    let (ours, theirs) = (open(&database.url).await, open(&database.url).await);
    let quarry = "quarry".parse().unwrap();
    let elsewhere = EventLog::open_postgres(&database.url, &quarry).await.unwrap();
    let mut appended = ours.appended();
    // Until it listens, it hears nothing: so there is one more until it does.
    let mut size = 0;
    while *appended.borrow_and_update() == 0 {
        elsewhere.append((0..50).map(|_| event()).collect()).await.unwrap();
        size = theirs.append(vec![event()]).await.unwrap()[0].position.0 + 1;
        let _ = timeout(Duration::from_millis(100), appended.changed()).await;
    }
    // No read of the log is needed from here on.
    let heard = async { appended.wait_for(|heard| *heard >= size).await.map(|heard| *heard) };
    assert_eq!(timeout(PATIENCE, heard).await.unwrap().unwrap(), size);
}
