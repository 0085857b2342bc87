//! Each query is one statement, so each sees one moment of the log.

use jiff::Timestamp;
use sqlx::query::QueryAs;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{FromRow, Sqlite};
use strongroom_model::{EventId, Partition, Position, Recorded, StageName, StreamName, SubjectKind, Version};

use super::SqliteLog;
use super::list::json_list;
use crate::backlog::StageBacklog;
use crate::error::LogError;
use crate::log::Work;
use crate::reading::{check_gapless, column, frontier_of, hashes, instant, last, limit, position};
use crate::stored::Stored;
use crate::stream_head::StreamHead;
use strongroom_proof::Head;
use strongroom_proof::merkle::Hash;

type Result<T> = std::result::Result<T, LogError>;

impl SqliteLog {
    async fn all<T>(&self, query: QueryAs<'_, Sqlite, T, SqliteArguments>) -> Result<Vec<T>>
    where
        T: Send + Unpin + for<'r> FromRow<'r, SqliteRow>,
    {
        Ok(query.fetch_all(&self.readers).await?)
    }

    pub(crate) async fn head(&self) -> Result<Head> {
        let (size, frontier): (i64, Vec<u8>) =
            sqlx::query_as("SELECT size, frontier FROM head").fetch_one(&self.readers).await?;
        let frontier = frontier_of(size, &frontier)?;
        Ok(Head { size: frontier.size(), root: frontier.root() })
    }

    pub(crate) async fn read(&self, from: Position, most: usize) -> Result<Vec<Stored>> {
        let query =
            sqlx::query_as("SELECT position, body, leaf_hash FROM event WHERE position >= ? ORDER BY position LIMIT ?");
        let events = self.all(query.bind(column(from.0)).bind(limit(most))).await?;
        check_gapless(from, &events)?;
        Ok(events)
    }

    pub(crate) async fn first_after(&self, time: Timestamp) -> Result<Option<Position>> {
        let query = sqlx::query_as("SELECT position FROM event WHERE time_us > ? ORDER BY position LIMIT 1");
        Ok(position(&self.all(query.bind(time.as_microsecond())).await?))
    }

    pub(crate) async fn leaves(&self, from: Position, to: Position) -> Result<Vec<Hash>> {
        let query =
            sqlx::query_as("SELECT leaf_hash FROM event WHERE position >= ? AND position < ? ORDER BY position");
        hashes(from, self.all(query.bind(column(from.0)).bind(column(to.0))).await?)
    }

    pub(crate) async fn events_of(&self, names: &[StreamName]) -> Result<Vec<Stored>> {
        let query = sqlx::query_as(
            "SELECT position, body, leaf_hash FROM event
             WHERE stream IN (SELECT value FROM json_each(?)) ORDER BY stream, version",
        );
        self.all(query.bind(json_list(names))).await
    }

    pub(crate) async fn with_ids(&self, ids: &[EventId]) -> Result<Vec<Stored>> {
        let query =
            sqlx::query_as("SELECT position, body, leaf_hash FROM event WHERE id IN (SELECT value FROM json_each(?))");
        self.all(query.bind(json_list(ids))).await
    }

    pub(crate) async fn heads(&self, names: &[StreamName]) -> Result<Vec<StreamHead>> {
        let query = sqlx::query_as("SELECT * FROM stream WHERE name IN (SELECT value FROM json_each(?))");
        self.all(query.bind(json_list(names))).await
    }

    pub(crate) async fn stream_from(&self, name: &StreamName, from: Version, most: usize) -> Result<Vec<Stored>> {
        let query = sqlx::query_as(
            "SELECT position, body, leaf_hash FROM event WHERE stream = ? AND version >= ? ORDER BY version LIMIT ?",
        );
        self.all(query.bind(name.to_string()).bind(column(from.0)).bind(limit(most))).await
    }

    pub(crate) async fn newest_before(
        &self,
        kind: SubjectKind,
        before: Position,
        most: usize,
    ) -> Result<Vec<StreamHead>> {
        let query = sqlx::query_as(
            "SELECT * FROM stream WHERE kind = ? AND first_position < ? ORDER BY first_position DESC LIMIT ?",
        );
        self.all(query.bind(kind.name()).bind(column(before.0)).bind(limit(most))).await
    }

    pub(crate) async fn last_of(&self, kind: SubjectKind) -> Result<Option<Recorded>> {
        let query = sqlx::query_as(
            "SELECT e.position, e.body, e.leaf_hash FROM stream s JOIN event e ON e.position = s.position
             WHERE s.kind = ? ORDER BY s.first_position DESC LIMIT 1",
        );
        last(&self.all(query.bind(kind.name())).await?)
    }

    pub(crate) async fn pending(&self, work: Work<'_>, from: Position, most: usize) -> Result<Vec<Stored>> {
        let query = sqlx::query_as(
            "SELECT e.position, e.body, e.leaf_hash FROM stream s JOIN event e ON e.position = s.position
             WHERE s.next_stage = ?1 AND s.due_at_us IS NULL AND (?2 IS NULL OR s.partition = ?2) AND s.position >= ?3
             ORDER BY s.position LIMIT ?4",
        );
        let query = query.bind(work.stage.name()).bind(work.partition.map(Partition::as_str));
        self.all(query.bind(column(from.0)).bind(limit(most))).await
    }

    pub(crate) async fn due(&self, work: Work<'_>, now: Timestamp, most: usize) -> Result<Vec<Stored>> {
        let query = sqlx::query_as(
            "SELECT e.position, e.body, e.leaf_hash FROM stream s JOIN event e ON e.position = s.position
             WHERE s.next_stage = ?1 AND (?2 IS NULL OR s.partition = ?2) AND s.due_at_us <= ?3
             ORDER BY s.due_at_us, s.position LIMIT ?4",
        );
        let query = query.bind(work.stage.name()).bind(work.partition.map(Partition::as_str));
        self.all(query.bind(now.as_microsecond()).bind(limit(most))).await
    }

    pub(crate) async fn next_due(&self, stages: &[StageName]) -> Result<Option<Timestamp>> {
        let query = sqlx::query_as(
            "SELECT min(due_at_us) FROM stream
             WHERE next_stage IN (SELECT value FROM json_each(?)) AND due_at_us IS NOT NULL",
        );
        Ok(instant(self.all(query.bind(json_list(stages))).await?))
    }

    pub(crate) async fn backlog(&self) -> Result<Vec<StageBacklog>> {
        self.all(sqlx::query_as(
            "SELECT next_stage, count(*) - count(due_at_us) AS at_once, count(due_at_us) AS delayed,
                 min(due_at_us) AS first_due_at_us
             FROM stream WHERE next_stage IS NOT NULL GROUP BY next_stage ORDER BY next_stage",
        ))
        .await
    }

    pub(crate) async fn counts(&self, kind: SubjectKind) -> Result<Vec<(String, i64)>> {
        let query =
            sqlx::query_as("SELECT status, count(*) FROM stream WHERE kind = ? AND status IS NOT NULL GROUP BY status");
        self.all(query.bind(kind.name())).await
    }

    pub(crate) async fn with_status(
        &self,
        kind: SubjectKind,
        status: &str,
        from: Position,
        most: usize,
    ) -> Result<Vec<Stored>> {
        let query = sqlx::query_as(
            "SELECT e.position, e.body, e.leaf_hash FROM stream s JOIN event e ON e.position = s.position
             WHERE s.kind = ? AND s.status = ? AND s.position >= ? ORDER BY s.position LIMIT ?",
        );
        self.all(query.bind(kind.name()).bind(status).bind(column(from.0)).bind(limit(most))).await
    }
}
