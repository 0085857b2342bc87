//! Making the projection again from the events.

use std::collections::HashMap;

use sqlx::{Connection, SqliteConnection};
use strongroom_model::{Position, Recorded};
use strongroom_service::kill_point;

use super::list::json_list;
use super::write::upsert_streams;
use crate::error::{LogError, StorageError};
use crate::reading::{column, limit};
use crate::stored::Stored;
use crate::stream_head::StreamHead;

/// How many streams are in memory at once.
const BATCH: usize = 512;

/// If we stop before the commit, the projection is as it was.
pub(super) async fn rebuild(connection: &mut SqliteConnection) -> Result<u64, LogError> {
    let storage = |error: sqlx::Error| LogError::from(StorageError::from(error));
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(storage)?;
    sqlx::query("DELETE FROM stream").execute(&mut *transaction).await.map_err(storage)?;
    let mut streams = 0;
    let mut next = Position(0);
    loop {
        let heads = last_events(&mut transaction, next).await?;
        let Some(last) = heads.last() else { break };
        next = last.position.next();
        streams += heads.len() as u64;
        upsert_streams(&mut transaction, heads.iter()).await.map_err(storage)?;
    }
    kill_point!("eventlog.before-rebuild-commit");
    transaction.commit().await.map_err(storage)?;
    Ok(streams)
}

/// The next streams' heads, by the position of their last events, as the events say.
async fn last_events(connection: &mut SqliteConnection, from: Position) -> Result<Vec<StreamHead>, LogError> {
    let lasts: Vec<Stored> = sqlx::query_as(
        "SELECT position, body, leaf_hash FROM event e WHERE position >= ?
         AND NOT EXISTS (SELECT 1 FROM event n WHERE n.stream = e.stream AND n.version = e.version + 1)
         ORDER BY position LIMIT ?",
    )
    .bind(column(from.0))
    .bind(limit(BATCH))
    .fetch_all(&mut *connection)
    .await
    .map_err(StorageError::from)?;
    let lasts = lasts.iter().map(Stored::decode).collect::<Result<Vec<_>, _>>()?;
    let firsts: Vec<(String, i64)> = sqlx::query_as(
        "SELECT stream, position FROM event WHERE version = 0 AND stream IN (SELECT value FROM json_each(?))",
    )
    .bind(json_list(lasts.iter().map(|last| &last.stream)))
    .fetch_all(&mut *connection)
    .await
    .map_err(StorageError::from)?;
    let firsts: HashMap<String, i64> = firsts.into_iter().collect();
    let head = |last: &Recorded| {
        let first = firsts.get(&last.stream.to_string()).copied();
        let damaged = LogError::Damaged { position: last.position, reason: "its stream has no first event" };
        Ok(StreamHead::of(Position(first.ok_or(damaged)?.unsigned_abs()), last))
    };
    lasts.iter().map(head).collect()
}
