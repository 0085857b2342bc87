//! What is so whichever database the records are in.

use std::sync::Arc;

use sqlx::Row as _;
use strongroom_model::wire::ServerState;
use strongroom_service::config::ServiceUrl;

use super::booking::{AT_PATH, LATEST_MOVES, LIST_ALL, LIST_STATE, WAITING};
use super::connection::Raw;
use super::*;

/// A new database of each kind, and what must outlive it.
async fn both() -> (tempfile::TempDir, [Database; 2]) {
    let dir = tempfile::tempdir().unwrap();
    let sqlite = Database::Sqlite(dir.path().join("server.db"));
    let postgres = Database::Postgres(postgres_url(&strongroom_servers::postgres().database().url));
    (dir, [sqlite, postgres])
}

fn postgres_url(url: &str) -> ServiceUrl {
    ServiceUrl::database(url).unwrap()
}

/// A row for each `number`, of which every hundredth waits.
async fn fill(store: &Store, rows: u32) {
    const FILL: Sql = Sql::Each {
        sqlite: "WITH RECURSIVE counted (number) AS \
                 (SELECT 1 UNION ALL SELECT number + 1 FROM counted WHERE number < $1) \
                 INSERT INTO booking (id, state, created_at_us, filename, size_bytes, digest, path, signed_off_at_us, \
                 month, moved_from, moved_at_us) \
                 SELECT 'B-' || number, iif(number % 100 = 0, 'signed-off', 'archived'), number, 'a', 1, \
                 'md5:00000000000000000000000000000000', CAST('p' || number AS BLOB), number, '2026-11', \
                 CAST('q' || number AS BLOB), number FROM counted",
        postgres: "INSERT INTO booking (id, state, created_at_us, filename, size_bytes, digest, path, \
                   signed_off_at_us, month, moved_from, moved_at_us) \
                   SELECT 'B-' || number, CASE WHEN number % 100 = 0 THEN 'signed-off' ELSE 'archived' END, number, \
                   'a', 1, 'md5:00000000000000000000000000000000', ('p' || number)::bytea, number, '2026-11', \
                   ('q' || number)::bytea, number FROM generate_series(1, $1) AS number",
    };
    let mut db = store.begin().await.unwrap();
    query(FILL).bind(rows).execute(&mut db).await.unwrap();
    db.commit().await.unwrap();
}

/// What the database says about how it will read.
async fn plan(store: &Store, sql: Sql, values: &[i64]) -> String {
    let mut db = store.reader().await.unwrap();
    let lines: Vec<String> = match db.raw() {
        Raw::Sqlite(db) => {
            let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", sql.sqlite()));
            let rows = sqlx::query(explain).fetch_all(db).await.unwrap();
            rows.iter().map(|row| row.get("detail")).collect()
        }
        Raw::Postgres(db) => {
            // As the statement is planned for these parameters, which stand in it here.
            let mut text = format!("EXPLAIN {}", sql.postgres());
            for (index, value) in values.iter().enumerate() {
                text = text.replace(&format!("${}", index + 1), &format!("'{value}'"));
            }
            let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(db).await.unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        }
    };
    lines.join("; ")
}

#[tokio::test]
async fn every_list_is_an_index_scan_whatever_the_tables_size() {
    let (_dir, databases) = both().await;
    for database in &databases {
        let store = Store::open(database.clone()).await.unwrap();
        fill(&store, 20_000).await;
        for has_statistics in [false, true] {
            if has_statistics {
                // With statistics a database may change its mind.
                let mut db = store.begin().await.unwrap();
                query("ANALYZE").execute(&mut db).await.unwrap();
                db.commit().await.unwrap();
            }
            for (sql, values, index) in [
                (WAITING, &[0, 0, 100][..], "booking_waiting"),
                (LIST_ALL, &[0, 100], "PRIMARY KEY (id>?)|booking_pkey"),
                (LIST_STATE, &[0, 100, 0], "booking_state"),
                (LATEST_MOVES, &[100], "booking_moved"),
                (AT_PATH, &[0], "booking_path"),
            ] {
                let plan = plan(&store, sql, values).await;
                let is_scan = index.split('|').any(|index| plan.contains(index));
                let sorts = ["TEMP B-TREE", "Sort", "Seq Scan", "Bitmap"].iter().any(|word| plan.contains(word));
                assert!(is_scan && !sorts, "{database:?}, {has_statistics}: {plan}");
            }
        }
        assert_eq!(store.tally(ServerState::SignedOff).await.unwrap(), 200);
        assert_eq!(store.tally(ServerState::Archived).await.unwrap(), 19_800);
        assert_eq!(store.waiting(3, None).await.unwrap().len(), 3);
    }
}

#[tokio::test]
async fn the_tally_counts_every_change() {
    let (_dir, databases) = both().await;
    for database in &databases {
        let store = Store::open(database.clone()).await.unwrap();
        let id = "B-1".parse().unwrap();
        let mut db = store.begin().await.unwrap();
        assert!(booking::create(&mut db, &id, Timestamp::UNIX_EPOCH).await.unwrap());
        assert!(!booking::create(&mut db, &id, Timestamp::UNIX_EPOCH).await.unwrap());
        let timesheet = booking::Timesheet {
            filename: "a\0b".to_owned(),
            size: strongroom_model::ByteCount(3),
            digest: "md5:900150983cd24fb0d6963f7d28e17f72".parse().unwrap(),
            path: crate::path::RelativePath::new(b"caf\xe9".as_slice()).unwrap(),
            stamp: Some(crate::unchanged::Stamp::stored("1-2-3-4-5".to_owned())),
        };
        assert!(booking::set_timesheet(&mut db, &id, &timesheet).await.unwrap());
        assert!(booking::set_timesheet(&mut db, &id, &timesheet).await.unwrap());
        db.commit().await.unwrap();
        assert_eq!(store.booking(&id).await.unwrap().unwrap().timesheet, Some(timesheet));
        assert_eq!(store.tally(ServerState::Created).await.unwrap(), 0);
        assert_eq!(store.tally(ServerState::Uploaded).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_record_is_never_deleted() {
    let (_dir, databases) = both().await;
    for database in &databases {
        let store = Store::open(database.clone()).await.unwrap();
        fill(&store, 100).await;
        let mut db = store.begin().await.unwrap();
        let error = query("DELETE FROM booking").execute(&mut db).await.unwrap_err();
        let said = std::error::Error::source(&error).unwrap().to_string();
        assert!(said.contains("never deleted"), "{said}");
    }
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_name_is_refused_with_the_reason() {
    let any = strongroom_servers::postgres().database();
    let _ = any.query("SELECT 1");
    let name = format!("{}_latin1", any.name);
    let _ = any.query(&format!("CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"));
    let url = any.url.replace(&format!("/{}", any.name), &format!("/{name}"));
    let error = Store::open(Database::Postgres(postgres_url(&url))).await.unwrap_err().to_string();
    assert!(error.contains("has the encoding LATIN1") && error.contains("UTF8"), "{error}");
}

#[tokio::test]
async fn several_processes_may_open_a_new_database_at_once() {
    for round in 0..10 {
        let (_dir, databases) = both().await;
        for database in &databases {
            let opened = futures_util::future::join_all((0..4).map(|_| Store::open(database.clone()))).await;
            for store in opened {
                store.unwrap_or_else(|error| panic!("{round}: {error:?}")).try_write().await.unwrap();
            }
        }
    }
}

/// Two stores are two processes, as far as the database can tell.
#[tokio::test]
async fn one_transaction_writes_at_a_time_whichever_process_it_is_in() {
    let (_dir, databases) = both().await;
    for database in &databases {
        let stores = [Store::open(database.clone()).await.unwrap(), Store::open(database.clone()).await.unwrap()];
        let taken = Arc::new(tokio::sync::Mutex::new(()));
        let writers = (0..20).map(|number: usize| {
            let (store, taken) = (stores[number % 2].clone(), Arc::clone(&taken));
            tokio::spawn(async move {
                let mut db = store.begin().await.unwrap();
                let alone = taken.try_lock().expect("nobody else is within a transaction");
                let (before,): (i64,) = query("SELECT count(*) FROM purge").fetch_one(&mut db).await.unwrap();
                query("INSERT INTO purge VALUES ($1, 'a', 'b', 'c', 0)")
                    .bind(before.to_string())
                    .execute(&mut db)
                    .await
                    .unwrap();
                drop(alone);
                db.commit().await.unwrap();
            })
        });
        for writer in futures_util::future::join_all(writers).await {
            writer.unwrap();
        }
        let mut db = stores[0].reader().await.unwrap();
        let (count,): (i64,) = query("SELECT count(*) FROM purge").fetch_one(&mut db).await.unwrap();
        assert_eq!(count, 20);
    }
}

/// Requests are cut at any line, that at which their transaction begins among them.
#[tokio::test]
async fn a_transaction_that_is_cut_leaves_nothing_and_keeps_nobody_from_writing() {
    let (_dir, databases) = both().await;
    for database in &databases {
        let store = Store::open(database.clone()).await.unwrap();
        for cut_after_us in (0..3_000).step_by(50) {
            let cut = tokio::time::timeout(std::time::Duration::from_micros(cut_after_us), async {
                let mut db = store.begin().await.unwrap();
                query("INSERT INTO purge VALUES ('cut', 'a', 'b', 'c', 0)").execute(&mut db).await.unwrap();
                std::future::pending::<()>().await;
            });
            assert!(cut.await.is_err());
        }
        let mut db = store.begin().await.unwrap();
        let (count,): (i64,) = query("SELECT count(*) FROM purge").fetch_one(&mut db).await.unwrap();
        assert_eq!(count, 0, "{database:?}");
        db.commit().await.unwrap();
    }
}

/// SQLite ends a transaction by itself where its disk is full.
#[tokio::test]
async fn a_transaction_that_finds_the_disk_full_keeps_nobody_from_writing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("server.db")).await.unwrap();
    for _ in 0..3 {
        let mut db = store.begin().await.unwrap();
        // No page more than there are: what another would need.
        db.raw_sql("PRAGMA max_page_count = 1").await.unwrap();
        let error = query("INSERT INTO purge VALUES ($1, 'a', 'b', 'c', 0)").bind("x".repeat(100_000)).execute(&mut db);
        assert_eq!(error.await.unwrap_err().trouble(), Some(crate::trouble::DiskTrouble::Full));
    }
    store.try_write().await.unwrap();
}

#[tokio::test]
async fn what_is_no_database_of_ours_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.db");
    std::fs::write(&path, "no database at all, but long enough to be looked at as one").unwrap();
    let error = Store::open(path.clone()).await.unwrap_err().to_string();
    assert!(error.contains("server.db as the server's database"), "{error}");
    let error = Store::open(dir.path().join("nowhere/server.db")).await.unwrap_err().to_string();
    assert!(error.contains("check that its folder exists"), "{error}");
}
