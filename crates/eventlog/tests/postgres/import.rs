//! Making a log of an export.

use strongroom_eventlog::{EventLog, Import, ImportError};
use strongroom_model::Position;

use crate::sample::{database, event, open, site};

#[tokio::test]
async fn an_export_becomes_the_same_log_in_a_file_and_in_a_database_however_often_it_is_begun() {
    let (folder, database) = (tempfile::tempdir().unwrap(), database().await);
    let old = EventLog::open_sqlite(&folder.path().join("log.db"), &site()).await.unwrap();
    old.append((0..1300).map(|_| event()).collect()).await.unwrap();
    let head = old.head().await.unwrap();
    let lines: Vec<String> = old.read(Position(0), 4096).await.unwrap().into_iter().map(|stored| stored.body).collect();
    let file = EventLog::open_sqlite(&folder.path().join("new.db"), &site()).await.unwrap();
    for log in [file, open(&database.url).await] {
        // Stopped in its midst: what is stored by then is the export's beginning.
        let mut import = Import::into(&log).await.unwrap();
        for line in &lines[..700] {
            import.line(line).await.unwrap();
        }
        drop(import);
        assert_eq!(log.head().await.unwrap().size, 512);
        let mut import = Import::into(&log).await.unwrap();
        for line in &lines {
            import.line(line).await.unwrap();
        }
        assert_eq!(import.finish().await.unwrap(), head);
        assert_eq!(log.verify_against(&[head]).await.unwrap().damage, None);
        // A shorter export is not what it holds.
        let mut import = Import::into(&log).await.unwrap();
        import.line(&lines[0]).await.unwrap();
        assert!(matches!(import.finish().await, Err(ImportError::NotItsBeginning { events: 1300 })));
        log.append(vec![event()]).await.unwrap();
    }
}
