//! Identifying a file, and migrating it to the newest schema.

use sqlx::{Connection, SqliteConnection};
use strongroom_service::kill_point;

use super::rebuild::upgrade;

/// Oldest first. A released one never changes.
const MIGRATIONS: [&str; 2] = [
    include_str!("../../../../schemas/sqlite/eventlog/0001_log.sql"),
    include_str!("../../../../schemas/sqlite/eventlog/0002_status.sql"),
];

pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// "SRlg", in the header of every log.
const APPLICATION_ID: i64 = 0x5352_6c67;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Empty,
    Foreign,
    Log {
        schema: i64,
        /// Absent where the schema is too new to tell.
        site: Option<String>,
    },
}

/// At one moment of the file: another process may be setting it up.
pub(super) async fn identify(connection: &mut SqliteConnection) -> Result<Found, sqlx::Error> {
    let mut snapshot = connection.begin().await?;
    let found = inspect(&mut snapshot).await?;
    snapshot.rollback().await?;
    Ok(found)
}

async fn inspect(connection: &mut SqliteConnection) -> Result<Found, sqlx::Error> {
    let application: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    let schema: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *connection).await?;
    if application == 0 && schema == 0 && tables == 0 {
        return Ok(Found::Empty);
    }
    if application != APPLICATION_ID || schema < 1 {
        return Ok(Found::Foreign);
    }
    let site = if schema > NEWEST {
        None
    } else {
        sqlx::query_scalar("SELECT site FROM head").fetch_optional(&mut *connection).await?
    };
    Ok(Found::Log { schema, site })
}

/// In one transaction: if we stop in it, the file is as it was. A concurrent process waits and finds nothing left to
/// do. An older schema's projection is rebuilt in batches, so that memory stays bounded.
pub(super) async fn migrate(connection: &mut SqliteConnection, site: &str) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let schema: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *transaction).await?;
    let applied = usize::try_from(schema).unwrap_or(MIGRATIONS.len());
    for migration in MIGRATIONS.into_iter().skip(applied) {
        sqlx::raw_sql(migration).execute(&mut *transaction).await?;
    }
    if (1..NEWEST).contains(&schema) {
        let streams = upgrade(&mut transaction).await?;
        tracing::info!(schema, newest = NEWEST, streams, "the event log's file is brought up to date");
    }
    sqlx::query(
        "INSERT INTO head (one, site, size, frontier) SELECT 1, ?, 0, x'' WHERE NOT EXISTS (SELECT 1 FROM head)",
    )
    .bind(site)
    .execute(&mut *transaction)
    .await?;
    kill_point!("eventlog.before-migrate-commit");
    transaction.commit().await
}

/// The log's triggers and their text.
pub(super) async fn guards(connection: &mut SqliteConnection) -> Result<Vec<(String, String)>, sqlx::Error> {
    sqlx::query_as("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name")
        .fetch_all(connection)
        .await
}

/// Those of a fresh log.
pub(super) async fn expected_guards() -> Result<Vec<(String, String)>, sqlx::Error> {
    let mut fresh = SqliteConnection::connect("sqlite::memory:").await?;
    migrate(&mut fresh, "fresh").await?;
    let guards = guards(&mut fresh).await?;
    fresh.close().await?;
    Ok(guards)
}
