//! Copying a log from one database to another.

use strongroom_eventlog::{CopyError, EventLog};
use strongroom_model::{NewEvent, Position};

use crate::sample::{database, event, open, site};

fn events(count: usize) -> Vec<NewEvent> {
    (0..count).map(|_| event()).collect()
}

async fn bodies(log: &EventLog) -> Vec<String> {
    log.read(Position(0), 4096).await.unwrap().into_iter().map(|stored| stored.body).collect()
}

#[tokio::test]
async fn a_log_moves_to_postgres_and_back_byte_for_byte() {
    let (folder, database) = (tempfile::tempdir().unwrap(), database().await);
    let old = EventLog::open_sqlite(&folder.path().join("log.db"), &site()).await.unwrap();
    old.append(events(1300)).await.unwrap();
    let head = old.head().await.unwrap();
    let new = open(&database.url).await;
    let mut steps = Vec::new();
    assert_eq!(old.copy_to(&new, |events| steps.push(events)).await.unwrap(), head);
    assert_eq!((steps.first(), steps.last()), (Some(&0), Some(&1300)));
    assert_eq!(bodies(&new).await, bodies(&old).await);
    assert_eq!(new.verify_against(&[head]).await.unwrap().damage, None);
    // It goes on there, and is a log like any other.
    new.append(events(3)).await.unwrap();
    let back = EventLog::open_sqlite(&folder.path().join("back.db"), &site()).await.unwrap();
    assert_eq!(new.copy_to(&back, |_| ()).await.unwrap(), new.head().await.unwrap());
    assert_eq!(back.verify_against(&[head]).await.unwrap().damage, None);
}

#[tokio::test]
async fn a_copy_that_was_stopped_goes_on() {
    let (folder, database) = (tempfile::tempdir().unwrap(), database().await);
    let old = EventLog::open_sqlite(&folder.path().join("log.db"), &site()).await.unwrap();
    old.append(events(2000)).await.unwrap();
    let new = open(&database.url).await;
    {
        // Dropped in its midst, as an interrupted command is.
        let (reached, mut steps) = tokio::sync::mpsc::unbounded_channel();
        let copying = old.copy_to(&new, move |events| reached.send(events).unwrap());
        tokio::select! {
            _ = copying => panic!("it must be stopped before its end"),
            () = async { while steps.recv().await.unwrap() < 512 {} } => {}
        }
    }
    let head = old.head().await.unwrap();
    assert_eq!(old.copy_to(&new, |_| ()).await.unwrap(), head);
    // Once more changes nothing.
    let commits = new.commits();
    assert_eq!(old.copy_to(&new, |_| ()).await.unwrap(), head);
    assert_eq!(new.commits(), commits);
    assert_eq!(new.verify().await.unwrap().damage, None);
    assert_eq!(bodies(&new).await, bodies(&old).await);
}

#[tokio::test]
async fn a_log_that_holds_something_else_is_left_as_it_is() {
    let (one, two) = (database().await, database().await);
    let (one, two) = (open(&one.url).await, open(&two.url).await);
    one.append(events(5)).await.unwrap();
    two.append(events(3)).await.unwrap();
    let head = two.head().await.unwrap();
    assert!(matches!(one.copy_to(&two, |_| ()).await, Err(CopyError::NotItsBeginning { events: 3 })));
    // A longer one is not a beginning either.
    one.copy_to(&open(&database().await.url).await, |_| ()).await.unwrap();
    assert!(matches!(two.copy_to(&one, |_| ()).await, Err(CopyError::NotItsBeginning { events: 5 })));
    assert_eq!(two.head().await.unwrap(), head);
    let database = database().await;
    let quarry = EventLog::open_postgres(&database.url, &"quarry".parse().unwrap()).await.unwrap();
    assert!(matches!(one.copy_to(&quarry, |_| ()).await, Err(CopyError::OtherSite { .. })));
}
