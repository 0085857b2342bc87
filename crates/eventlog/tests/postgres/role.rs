//! Who may do what: a writer appends and reads, an auditor reads, and nobody changes.

use strongroom_eventlog::EventLog;
use strongroom_model::Position;
use strongroom_servers::Database;

use crate::sample::{connect, database, event, open, run, site};

/// A user of that group, of that database alone: roles are for the whole server.
fn user(database: &Database, group: &str) -> String {
    let name = format!("{group}_of_{}", database.name);
    let _ = database.query(&format!("CREATE ROLE {name} LOGIN IN ROLE strongroom_{group}"));
    database.url_as(&name)
}

const CHANGES: [&str; 14] = [
    "INSERT INTO event SELECT 2, 'run/x', 0, gen_random_uuid(), type, time_us, body, leaf_hash, site FROM event LIMIT 1",
    "UPDATE event SET body = 'forged'",
    "DELETE FROM event",
    "TRUNCATE event",
    "UPDATE head SET size = 1",
    "INSERT INTO head VALUES (0, '', 'other')",
    "DELETE FROM head",
    "UPDATE stream SET standing = NULL",
    "DELETE FROM stream",
    "ALTER TABLE event DISABLE TRIGGER ALL",
    "DROP TABLE event",
    "CREATE TABLE strongroom.t (n int)",
    "CREATE OR REPLACE FUNCTION strongroom.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "SET session_replication_role = replica",
];

async fn changes_nothing(url: &str) {
    let mut connection = connect(url).await;
    for sql in CHANGES {
        let refused = run(&mut connection, sql).await.expect_err(sql);
        let why = ["permission denied", "must be owner"];
        assert!(why.iter().any(|why| refused.contains(why)), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn a_writer_appends_and_reads_and_may_do_nothing_else() {
    let database = database().await;
    let url = user(&database, "writer");
    let log = open(&url).await;
    log.append(vec![event(), event()]).await.unwrap();
    changes_nothing(&url).await;
    assert_eq!(log.rebuild_streams().await.unwrap(), 2);
    let verified = log.verify().await.unwrap();
    assert_eq!((verified.events, verified.damage), (2, None));
}

#[tokio::test]
async fn a_writer_cannot_append_what_does_not_follow() {
    let database = database().await;
    let url = user(&database, "writer");
    let log = open(&url).await;
    log.append(vec![event(), event()]).await.unwrap();
    let mut connection = connect(&url).await;
    let append = |was: &str, version: &str, id: &str| {
        format!(
            "SELECT append('harbour', false, {was}, '', '{{run/x}}', '{{{version}}}', ARRAY[{id}]::uuid[], '{{x}}', '{{0}}',
             '{{forged}}', ARRAY[sha256('')], '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}')"
        )
    };
    let fresh = "gen_random_uuid()";
    // Of these, only the first is no error: it finds that the log ends elsewhere.
    run(&mut connection, &append("1", "0", fresh)).await.unwrap();
    run(&mut connection, &append("2", "1", fresh)).await.expect_err("there is no version 0");
    run(&mut connection, &append("2", "0", "(SELECT id FROM event LIMIT 1)")).await.expect_err("the id is taken");
    let verified = log.verify().await.unwrap();
    assert_eq!((verified.events, verified.damage), (2, None));
}

#[tokio::test]
async fn an_auditor_reads_and_verifies_and_may_do_nothing_else() {
    let database = database().await;
    let url = user(&database, "auditor");
    let log = open(&database.url).await;
    log.append(vec![event(), event()]).await.unwrap();
    let auditor = EventLog::open_postgres_read_only(&url, &site()).await.unwrap();
    assert_eq!(auditor.read(Position(0), 9).await.unwrap().len(), 2);
    assert_eq!(auditor.verify().await.unwrap().damage, None);
    changes_nothing(&url).await;
    let refused = EventLog::open_postgres(&url, &site()).await.unwrap_err().to_string();
    assert!(refused.contains("GRANT strongroom_writer TO auditor_of_"), "{refused}");
    let mut connection = connect(&url).await;
    run(&mut connection, "SELECT clear_streams('harbour')").await.expect_err("an auditor calls nothing");
}

#[tokio::test]
async fn a_stranger_sees_nothing() {
    let database = database().await;
    open(&database.url).await.append(vec![event()]).await.unwrap();
    let _ = database.query(&format!("CREATE ROLE stranger_to_{} LOGIN", database.name));
    let url = database.url_as(&format!("stranger_to_{}", database.name));
    let refused = EventLog::open_postgres_read_only(&url, &site()).await.unwrap_err().to_string();
    assert!(refused.contains("may not do that"), "{refused}");
}
