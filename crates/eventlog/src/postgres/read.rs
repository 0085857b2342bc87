//! Each query is one statement, so each sees one moment of the log.

use jiff::Timestamp;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::QueryAs;
use sqlx::{FromRow, Postgres};
use strongroom_model::{EventId, Partition, Position, Recorded, StageName, StreamName, SubjectKind, Version};

use super::PostgresLog;
use super::place::timely;
use crate::backlog::StageBacklog;
use crate::error::LogError;
use crate::log::Work;
use crate::reading::{check_gapless, column, frontier_of, hashes, instant, last, limit, position};
use crate::stored::Stored;
use crate::stream_head::StreamHead;
use strongroom_proof::Head;
use strongroom_proof::merkle::Hash;

type Result<T> = std::result::Result<T, LogError>;

/// Never reuses a connection that failed or still owes an answer.
pub(super) fn settle<T>(mut lease: PoolConnection<Postgres>, answer: std::result::Result<T, sqlx::Error>) -> Result<T> {
    if matches!(&answer, Err(error) if !matches!(error, sqlx::Error::Database(_))) {
        lease.close_on_drop();
    }
    Ok(answer?)
}

impl PostgresLog {
    pub(super) async fn lease(&self) -> Result<PoolConnection<Postgres>> {
        Ok(self.readers.acquire().await?)
    }

    pub(super) async fn all<T>(&self, query: QueryAs<'_, Postgres, T, PgArguments>) -> Result<Vec<T>>
    where
        T: Send + Unpin + for<'r> FromRow<'r, PgRow>,
    {
        let mut lease = self.lease().await?;
        let found = timely(query.fetch_all(&mut *lease)).await;
        settle(lease, found)
    }

    pub(crate) async fn head(&self) -> Result<Head> {
        let query = sqlx::query_as("SELECT size, frontier FROM head WHERE site = $1").bind(self.site.as_str());
        let found: Vec<(i64, Vec<u8>)> = self.all(query).await?;
        let missing = LogError::Damaged { position: Position(0), reason: "the site's head is missing" };
        let (size, frontier) = found.into_iter().next().ok_or(missing)?;
        let frontier = frontier_of(size, &frontier)?;
        Ok(Head { size: frontier.size(), root: frontier.root() })
    }

    pub(crate) async fn read(&self, from: Position, most: usize) -> Result<Vec<Stored>> {
        let query = sqlx::query_as(
            "SELECT position, body, leaf_hash FROM event WHERE site = $1 AND position >= $2 ORDER BY position LIMIT $3",
        );
        let query = query.bind(self.site.as_str()).bind(column(from.0)).bind(limit(most));
        let events = self.all(query).await?;
        check_gapless(from, &events)?;
        Ok(events)
    }

    pub(crate) async fn first_after(&self, time: Timestamp) -> Result<Option<Position>> {
        let query =
            sqlx::query_as("SELECT position FROM event WHERE site = $1 AND time_us > $2 ORDER BY position LIMIT 1");
        Ok(position(&self.all(query.bind(self.site.as_str()).bind(time.as_microsecond())).await?))
    }

    pub(crate) async fn leaves(&self, from: Position, to: Position) -> Result<Vec<Hash>> {
        let query = sqlx::query_as(
            "SELECT leaf_hash FROM event WHERE site = $1 AND position >= $2 AND position < $3 ORDER BY position",
        );
        let query = query.bind(self.site.as_str()).bind(column(from.0)).bind(column(to.0));
        hashes(from, self.all(query).await?)
    }
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

/// By key: as a plain join it may be planned as a scan of the site's events, where the planner believes that they are
/// few.
macro_rules! last_event {
    () => {
        ", LATERAL (SELECT * FROM event WHERE event.site = s.site AND event.position = s.position LIMIT 1) AS e"
    };
}

/// The index covers listed kinds, and needs the condition in its own words.
macro_rules! newest {
    ($columns:literal, $kind:expr) => {
        if $kind.is_listed() { newest!(@ $columns, "AND s.listed") } else { newest!(@ $columns, "") }
    };
    (@ $columns:literal, $listed:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM (SELECT * FROM stream s WHERE s.site = $1 AND s.kind = $2 AND s.first_position < $4 ",
            $listed,
            " ORDER BY s.first_position DESC LIMIT $3) AS s",
            last_event!(),
            " ORDER BY s.first_position DESC"
        )
    };
}

/// One lookup by key for each name: `= ANY` may be planned as a scan of the site.
impl PostgresLog {
    pub(crate) async fn events_of(&self, names: &[StreamName]) -> Result<Vec<Stored>> {
        let query = sqlx::query_as(
            "SELECT e.position, e.body, e.leaf_hash
             FROM (SELECT DISTINCT unnest($2::text[]) AS name) AS wanted, LATERAL (
                 SELECT * FROM event WHERE event.site = $1 AND event.stream = wanted.name OFFSET 0
             ) AS e
             ORDER BY e.stream, e.version",
        );
        self.all(query.bind(self.site.as_str()).bind(texts(names))).await
    }

    pub(crate) async fn with_ids(&self, ids: &[EventId]) -> Result<Vec<Stored>> {
        let query = sqlx::query_as(
            "SELECT e.position, e.body, e.leaf_hash
             FROM (SELECT DISTINCT unnest($2::text[]) AS id) AS wanted, LATERAL (
                 SELECT * FROM event WHERE event.site = $1 AND event.id = wanted.id::uuid LIMIT 1
             ) AS e",
        );
        self.all(query.bind(self.site.as_str()).bind(texts(ids))).await
    }

    pub(crate) async fn heads(&self, names: &[StreamName]) -> Result<Vec<StreamHead>> {
        let query = sqlx::query_as(
            "SELECT s.* FROM unnest($2::text[]) AS wanted (name), LATERAL (
                 SELECT * FROM stream WHERE stream.site = $1 AND stream.name = wanted.name LIMIT 1
             ) AS s",
        );
        self.all(query.bind(self.site.as_str()).bind(texts(names))).await
    }

    pub(crate) async fn stream_from(&self, name: &StreamName, from: Version, most: usize) -> Result<Vec<Stored>> {
        let query = sqlx::query_as(
            "SELECT position, body, leaf_hash FROM event
             WHERE site = $1 AND stream = $2 AND version >= $3 ORDER BY version LIMIT $4",
        );
        let query = query.bind(self.site.as_str()).bind(name.to_string()).bind(column(from.0));
        self.all(query.bind(limit(most))).await
    }

    pub(crate) async fn newest_before(
        &self,
        kind: SubjectKind,
        before: Position,
        most: usize,
    ) -> Result<Vec<StreamHead>> {
        let query = sqlx::query_as(newest!("s.*", kind)).bind(self.site.as_str()).bind(kind.name());
        self.all(query.bind(limit(most)).bind(column(before.0))).await
    }

    pub(crate) async fn last_of(&self, kind: SubjectKind) -> Result<Option<Recorded>> {
        let query = sqlx::query_as(newest!("e.position, e.body, e.leaf_hash", kind));
        let query = query.bind(self.site.as_str()).bind(kind.name()).bind(limit(1)).bind(i64::MAX);
        last(&self.all(query).await?)
    }

    pub(crate) async fn pending(&self, work: Work<'_>, from: Position, most: usize) -> Result<Vec<Stored>> {
        let query = sqlx::query_as(concat!(
            "SELECT e.position, e.body, e.leaf_hash FROM (
                 SELECT * FROM stream s
                 WHERE s.site = $1 AND s.next_stage = $2 AND s.due_at_us IS NULL AND s.position >= $3
                     AND ($5 IS NULL OR s.partition = $5)
                 ORDER BY s.position LIMIT $4) AS s",
            last_event!(),
            " ORDER BY s.position",
        ));
        let query = query.bind(self.site.as_str()).bind(work.stage.name()).bind(column(from.0));
        self.all(query.bind(limit(most)).bind(work.partition.map(Partition::as_str))).await
    }

    pub(crate) async fn due(&self, work: Work<'_>, now: Timestamp, most: usize) -> Result<Vec<Stored>> {
        let query = sqlx::query_as(concat!(
            "SELECT e.position, e.body, e.leaf_hash FROM (
                 SELECT * FROM stream s WHERE s.site = $1 AND s.next_stage = $2 AND s.due_at_us <= $3
                     AND ($5 IS NULL OR s.partition = $5)
                 ORDER BY s.due_at_us, s.position LIMIT $4) AS s",
            last_event!(),
            " ORDER BY s.due_at_us, s.position",
        ));
        let query = query.bind(self.site.as_str()).bind(work.stage.name()).bind(now.as_microsecond());
        self.all(query.bind(limit(most)).bind(work.partition.map(Partition::as_str))).await
    }

    pub(crate) async fn next_due(&self, stages: &[StageName]) -> Result<Option<Timestamp>> {
        // Each stage's earliest is the first entry of its part of the index.
        let query = sqlx::query_as(
            "SELECT min(first.due_at_us) FROM unnest($2::text[]) AS stage, LATERAL (
                 SELECT s.due_at_us FROM stream s
                 WHERE s.site = $1 AND s.next_stage = stage AND s.due_at_us IS NOT NULL ORDER BY s.due_at_us LIMIT 1
             ) AS first",
        );
        Ok(instant(self.all(query.bind(self.site.as_str()).bind(texts(stages))).await?))
    }

    pub(crate) async fn backlog(&self) -> Result<Vec<StageBacklog>> {
        // Each half uses one of the two indexes of waiting work.
        let query = sqlx::query_as(
            "SELECT next_stage, sum(at_once)::bigint AS at_once, sum(delayed)::bigint AS delayed,
                 min(first_due_at_us) AS first_due_at_us
             FROM (
                 SELECT next_stage, count(*) AS at_once, 0 AS delayed, NULL::bigint AS first_due_at_us FROM stream
                 WHERE site = $1 AND next_stage IS NOT NULL AND due_at_us IS NULL GROUP BY next_stage
                 UNION ALL
                 SELECT next_stage, 0, count(*), min(due_at_us) FROM stream
                 WHERE site = $1 AND next_stage IS NOT NULL AND due_at_us IS NOT NULL GROUP BY next_stage
             ) AS part GROUP BY next_stage ORDER BY next_stage",
        );
        self.all(query.bind(self.site.as_str())).await
    }

    pub(crate) async fn counts(&self, kind: SubjectKind) -> Result<Vec<(String, i64)>> {
        let query = sqlx::query_as(
            "SELECT status, count(*) FROM (
                 SELECT status FROM stream
                 WHERE site = $1 AND next_stage IS NULL AND kind = $2 AND status IS NOT NULL
                 UNION ALL
                 SELECT status FROM stream
                 WHERE site = $1 AND next_stage IS NOT NULL AND due_at_us IS NULL AND kind = $2 AND status IS NOT NULL
                 UNION ALL
                 SELECT status FROM stream
                 WHERE site = $1 AND next_stage IS NOT NULL AND due_at_us IS NOT NULL AND kind = $2
                     AND status IS NOT NULL
             ) AS subject GROUP BY status",
        );
        self.all(query.bind(self.site.as_str()).bind(kind.name())).await
    }

    /// One lookup for each of the three indexes.
    pub(crate) async fn with_status(
        &self,
        kind: SubjectKind,
        status: &str,
        from: Position,
        most: usize,
    ) -> Result<Vec<Stored>> {
        let query = sqlx::query_as(concat!(
            "SELECT e.position, e.body, e.leaf_hash FROM (
                 (SELECT site, position FROM stream
                  WHERE site = $1 AND next_stage IS NULL AND kind = $2 AND status = $3 AND position >= $4
                  ORDER BY position LIMIT $5)
                 UNION ALL
                 (SELECT site, position FROM stream
                  WHERE site = $1 AND next_stage IS NOT NULL AND due_at_us IS NULL AND kind = $2 AND status = $3
                      AND position >= $4
                  ORDER BY position LIMIT $5)
                 UNION ALL
                 (SELECT site, position FROM stream
                  WHERE site = $1 AND next_stage IS NOT NULL AND due_at_us IS NOT NULL AND kind = $2 AND status = $3
                      AND position >= $4
                  ORDER BY position LIMIT $5)
                 ORDER BY position LIMIT $5) AS s",
            last_event!(),
            " ORDER BY s.position",
        ));
        let query = query.bind(self.site.as_str()).bind(kind.name()).bind(status).bind(column(from.0));
        self.all(query.bind(limit(most))).await
    }
}
