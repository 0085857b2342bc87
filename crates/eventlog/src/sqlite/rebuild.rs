//! Rebuilding the projection from the events.

use sqlx::{Connection, SqliteConnection};
use strongroom_service::kill_point;

use super::list::json_list;
use super::write::upsert_streams;
use crate::error::LogError;
use crate::projection::{LastEvent, heads, readable_heads};
use crate::reading::limit;
use crate::stream_head::{Moved, keeping_types};

/// Streams in memory at once.
const BATCH: usize = 512;

/// If we stop before the commit, the projection is as it was.
pub(super) async fn rebuild(connection: &mut SqliteConnection) -> Result<u64, LogError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("DELETE FROM stream").execute(&mut *transaction).await?;
    let streams = project(&mut transaction, heads).await?;
    kill_point!("eventlog.before-rebuild-commit");
    transaction.commit().await?;
    Ok(streams)
}

async fn project<E: From<sqlx::Error>>(
    connection: &mut SqliteConnection,
    heads: impl Fn(&[LastEvent]) -> Result<Vec<Moved>, E>,
) -> Result<u64, E> {
    let (mut streams, mut next) = (0, 0);
    loop {
        let lasts = last_events(connection, next).await?;
        let Some(last) = lasts.last() else { return Ok(streams) };
        next = last.position + 1;
        let heads = heads(&lasts)?;
        streams += heads.len() as u64;
        upsert_streams(connection, heads.iter()).await?;
    }
}

/// For a migration: the new schema's columns.
pub(super) async fn upgrade(connection: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
    project(connection, |lasts| Ok(readable_heads(lasts))).await
}

async fn last_events(connection: &mut SqliteConnection, from: i64) -> Result<Vec<LastEvent>, sqlx::Error> {
    sqlx::query_as(
        "SELECT e.position, e.body,
            (SELECT f.position FROM event f WHERE f.stream = e.stream AND f.version = 0) AS first,
            CASE WHEN e.type IN (SELECT value FROM json_each(?1)) THEN (
                SELECT d.body FROM event d WHERE d.stream = e.stream AND d.version < e.version
                AND d.type NOT IN (SELECT value FROM json_each(?1)) ORDER BY d.version DESC LIMIT 1
            ) END AS decisive
         FROM event e WHERE e.position >= ?2
         AND NOT EXISTS (SELECT 1 FROM event n WHERE n.stream = e.stream AND n.version = e.version + 1)
         ORDER BY e.position LIMIT ?3",
    )
    .bind(json_list(keeping_types()))
    .bind(from)
    .bind(limit(BATCH))
    .fetch_all(connection)
    .await
}
