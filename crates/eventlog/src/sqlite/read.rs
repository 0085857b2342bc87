//! Each query is one statement, so each sees one moment of the log.

use std::collections::HashMap;

use jiff::Timestamp;
use strongroom_model::{Partition, Position, Recorded, StageName, StreamName, SubjectKind, Version};

use super::SqliteLog;
use super::list::json_list;
use crate::backlog::StageBacklog;
use crate::error::{LogError, StorageError};
use crate::log::Work;
use crate::merkle::Hash;
use crate::reading::{MAX_READ, STREAMS_AT_ONCE, check_gapless, column, frontier_of, hashes, limit, push_next};
use crate::stored::{Head, Stored, decode};
use crate::stream_head::StreamHead;

type Result<T> = std::result::Result<T, LogError>;

fn storage(error: sqlx::Error) -> LogError {
    match error {
        sqlx::Error::PoolClosed => LogError::Closed,
        other => StorageError::from(other).into(),
    }
}

impl SqliteLog {
    pub(crate) async fn head(&self) -> Result<Head> {
        let (size, frontier): (i64, Vec<u8>) =
            sqlx::query_as("SELECT size, frontier FROM head").fetch_one(&self.readers).await.map_err(storage)?;
        let frontier = frontier_of(size, &frontier)?;
        Ok(Head { size: frontier.size(), root: frontier.root() })
    }

    pub(crate) async fn read(&self, from: Position, most: usize) -> Result<Vec<Stored>> {
        let events: Vec<Stored> =
            sqlx::query_as("SELECT position, body, leaf_hash FROM event WHERE position >= ? ORDER BY position LIMIT ?")
                .bind(column(from.0))
                .bind(limit(most.min(MAX_READ)))
                .fetch_all(&self.readers)
                .await
                .map_err(storage)?;
        check_gapless(from, &events)?;
        Ok(events)
    }

    pub(crate) async fn leaves(&self, from: Position, to: Position) -> Result<Vec<Hash>> {
        let query = "SELECT leaf_hash FROM event WHERE position >= ? AND position < ? ORDER BY position";
        let leaves: Vec<Vec<u8>> = sqlx::query_scalar(query)
            .bind(column(from.0))
            .bind(column(to.0))
            .fetch_all(&self.readers)
            .await
            .map_err(storage)?;
        hashes(from, leaves)
    }
}

impl SqliteLog {
    pub(crate) async fn streams(&self, names: &[StreamName]) -> Result<HashMap<StreamName, Vec<Recorded>>> {
        let mut streams = HashMap::new();
        for names in names.chunks(STREAMS_AT_ONCE) {
            let events: Vec<Stored> = sqlx::query_as(
                "SELECT position, body, leaf_hash FROM event
                 WHERE stream IN (SELECT value FROM json_each(?)) ORDER BY stream, version",
            )
            .bind(json_list(names))
            .fetch_all(&self.readers)
            .await
            .map_err(storage)?;
            for event in events {
                push_next(&mut streams, event.decode()?)?;
            }
        }
        Ok(streams)
    }

    pub(crate) async fn heads(&self, names: &[StreamName]) -> Result<HashMap<StreamName, StreamHead>> {
        let mut heads = HashMap::with_capacity(names.len());
        for names in names.chunks(STREAMS_AT_ONCE) {
            let found: Vec<StreamHead> =
                sqlx::query_as("SELECT * FROM stream WHERE name IN (SELECT value FROM json_each(?))")
                    .bind(json_list(names))
                    .fetch_all(&self.readers)
                    .await
                    .map_err(storage)?;
            heads.extend(found.into_iter().map(|head| (head.stream.clone(), head)));
        }
        Ok(heads)
    }

    pub(crate) async fn stream_from(&self, name: &StreamName, from: Version, most: usize) -> Result<Vec<Stored>> {
        sqlx::query_as(
            "SELECT position, body, leaf_hash FROM event WHERE stream = ? AND version >= ? ORDER BY version LIMIT ?",
        )
        .bind(name.to_string())
        .bind(column(from.0))
        .bind(limit(most.min(MAX_READ)))
        .fetch_all(&self.readers)
        .await
        .map_err(storage)
    }

    pub(crate) async fn newest_before(
        &self,
        kind: SubjectKind,
        before: Position,
        most: usize,
    ) -> Result<Vec<StreamHead>> {
        sqlx::query_as(
            "SELECT * FROM stream WHERE kind = ? AND first_position < ? ORDER BY first_position DESC LIMIT ?",
        )
        .bind(kind.name())
        .bind(column(before.0))
        .bind(limit(most.min(MAX_READ)))
        .fetch_all(&self.readers)
        .await
        .map_err(storage)
    }

    pub(crate) async fn last_of(&self, kind: SubjectKind) -> Result<Option<Recorded>> {
        let row: Option<(i64, String)> = sqlx::query_as(
            "SELECT e.position, e.body FROM stream s JOIN event e ON e.position = s.position
             WHERE s.kind = ? ORDER BY s.first_position DESC LIMIT 1",
        )
        .bind(kind.name())
        .fetch_optional(&self.readers)
        .await
        .map_err(storage)?;
        row.map(|(position, body)| decode(Position(position.unsigned_abs()), &body)).transpose()
    }
}

impl SqliteLog {
    pub(crate) async fn pending(&self, work: Work<'_>, from: Position, most: usize) -> Result<Vec<Stored>> {
        sqlx::query_as(
            "SELECT e.position, e.body, e.leaf_hash FROM stream s JOIN event e ON e.position = s.position
             WHERE s.next_stage = ?1 AND s.due_at_us IS NULL AND (?2 IS NULL OR s.partition = ?2) AND s.position >= ?3
             ORDER BY s.position LIMIT ?4",
        )
        .bind(work.stage.name())
        .bind(work.partition.map(Partition::as_str))
        .bind(column(from.0))
        .bind(limit(most.min(MAX_READ)))
        .fetch_all(&self.readers)
        .await
        .map_err(storage)
    }

    pub(crate) async fn due(&self, work: Work<'_>, now: Timestamp, most: usize) -> Result<Vec<Stored>> {
        sqlx::query_as(
            "SELECT e.position, e.body, e.leaf_hash FROM stream s JOIN event e ON e.position = s.position
             WHERE s.next_stage = ?1 AND (?2 IS NULL OR s.partition = ?2) AND s.due_at_us <= ?3
             ORDER BY s.due_at_us, s.position LIMIT ?4",
        )
        .bind(work.stage.name())
        .bind(work.partition.map(Partition::as_str))
        .bind(now.as_microsecond())
        .bind(limit(most.min(MAX_READ)))
        .fetch_all(&self.readers)
        .await
        .map_err(storage)
    }

    pub(crate) async fn next_due(&self, stages: &[StageName]) -> Result<Option<Timestamp>> {
        let due: Option<i64> = sqlx::query_scalar(
            "SELECT min(due_at_us) FROM stream
             WHERE next_stage IN (SELECT value FROM json_each(?)) AND due_at_us IS NOT NULL",
        )
        .bind(json_list(stages))
        .fetch_one(&self.readers)
        .await
        .map_err(storage)?;
        Ok(due.map(|due| Timestamp::from_microsecond(due).unwrap_or(Timestamp::MAX)))
    }

    pub(crate) async fn backlog(&self) -> Result<Vec<StageBacklog>> {
        sqlx::query_as(
            "SELECT next_stage, count(*) - count(due_at_us) AS at_once, count(due_at_us) AS delayed,
                 min(due_at_us) AS first_due_at_us
             FROM stream WHERE next_stage IS NOT NULL GROUP BY next_stage ORDER BY next_stage",
        )
        .fetch_all(&self.readers)
        .await
        .map_err(storage)
    }

    pub(crate) async fn counts(&self, kind: SubjectKind) -> Result<Vec<(String, i64)>> {
        sqlx::query_as("SELECT status, count(*) FROM stream WHERE kind = ? AND status IS NOT NULL GROUP BY status")
            .bind(kind.name())
            .fetch_all(&self.readers)
            .await
            .map_err(storage)
    }

    pub(crate) async fn with_status(
        &self,
        kind: SubjectKind,
        status: &str,
        from: Position,
        most: usize,
    ) -> Result<Vec<Stored>> {
        sqlx::query_as(
            "SELECT e.position, e.body, e.leaf_hash FROM stream s JOIN event e ON e.position = s.position
             WHERE s.kind = ? AND s.status = ? AND s.position >= ? ORDER BY s.position LIMIT ?",
        )
        .bind(kind.name())
        .bind(status)
        .bind(column(from.0))
        .bind(limit(most.min(MAX_READ)))
        .fetch_all(&self.readers)
        .await
        .map_err(storage)
    }
}
