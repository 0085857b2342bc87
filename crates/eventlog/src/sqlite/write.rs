//! Writing: one transaction per group.

use std::fmt::Write as _;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use strongroom_model::{EventId, Partition, Position, Status, StreamName, Version};
use strongroom_service::{fault, kill_point};

use super::list::json_list;
use super::rebuild::rebuild;
use crate::appender::{Grouping, WriteError};
use crate::error::LogError;
use crate::plan::{Before, Group, Known, Plan, Row};
use crate::reading::{column, frontier_of};
use crate::stream_head::Moved;

/// The most rows of one insert: each number of rows is a prepared statement, and each statement a trip to the
/// connection's thread.
const ROWS_AT_ONCE: usize = 64;

/// Only the appender's task has it and is never cancelled, so no dropped future leaves a transaction open.
#[derive(Debug)]
pub(crate) struct SqliteWriter {
    options: SqliteConnectOptions,
    /// Absent after an error, which leaves the connection in an unknown state.
    connection: Option<SqliteConnection>,
}

impl SqliteWriter {
    pub(crate) const GROUPING: Grouping = Grouping { max_events: 256, gather: Duration::from_millis(2) };

    pub(super) const fn new(options: SqliteConnectOptions, connection: SqliteConnection) -> Self {
        Self { options, connection: Some(connection) }
    }

    pub(crate) async fn write<'a>(&mut self, group: &Group<'a>) -> Result<Plan<'a>, WriteError> {
        let mut connection = self.take().await?;
        let plan = write_group(&mut connection, group).await?;
        self.connection = Some(connection);
        Ok(plan)
    }

    /// In one transaction; returns the number of streams.
    pub(crate) async fn rebuild_streams(&mut self) -> Result<u64, LogError> {
        let mut connection = self.take().await?;
        let streams = rebuild(&mut connection).await?;
        self.connection = Some(connection);
        Ok(streams)
    }

    pub(crate) async fn close(self) {
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            // Everything committed is in the WAL; the next opening recovers it.
            tracing::warn!(%error, "the event log was not closed in order");
        }
    }

    async fn take(&mut self) -> Result<SqliteConnection, sqlx::Error> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self.options.clone().create_if_missing(false).connect().await,
        }
    }
}

/// If we stop before the commit returns, SQLite's recovery keeps the group as a whole or not at all; no caller was
/// answered yet.
async fn write_group<'a>(connection: &mut SqliteConnection, group: &Group<'a>) -> Result<Plan<'a>, WriteError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let before = before(&mut transaction, group).await?;
    let plan = Plan::new(before, group)?;
    if plan.rows.is_empty() {
        transaction.rollback().await?;
        return Ok(plan);
    }
    insert_events(&mut transaction, &plan.rows).await?;
    upsert_streams(&mut transaction, plan.heads.values()).await?;
    sqlx::query("UPDATE head SET size = ?, frontier = ?")
        .bind(column(plan.frontier.size()))
        .bind(plan.frontier.to_bytes())
        .execute(&mut *transaction)
        .await?;
    kill_point!("eventlog.before-commit");
    if let Some(fault) = fault!("eventlog.commit-not-done") {
        return Err(WriteError::Unknown(sqlx::Error::Io(fault.error()).into()));
    }
    transaction.commit().await.map_err(|error| WriteError::Unknown(error.into()))?;
    kill_point!("eventlog.after-commit");
    if let Some(fault) = fault!("eventlog.commit-done") {
        return Err(WriteError::Unknown(sqlx::Error::Io(fault.error()).into()));
    }
    Ok(plan)
}

async fn before(connection: &mut SqliteConnection, group: &Group<'_>) -> Result<Before, WriteError> {
    let (size, frontier): (i64, Vec<u8>) =
        sqlx::query_as("SELECT size, frontier FROM head").fetch_one(&mut *connection).await?;
    let heads: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT name, first_position, version FROM stream WHERE name IN (SELECT value FROM json_each(?))",
    )
    .bind(json_list(group.streams()))
    .fetch_all(&mut *connection)
    .await?;
    let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM event WHERE id IN (SELECT value FROM json_each(?))")
        .bind(json_list(group.ids()))
        .fetch_all(&mut *connection)
        .await?;
    let known = |(name, first, version): (String, i64, i64)| {
        let known = Known { first_position: Position(first.unsigned_abs()), version: Version(version.unsigned_abs()) };
        Some((name.parse::<StreamName>().ok()?, known))
    };
    Ok(Before {
        frontier: frontier_of(size, &frontier)?,
        streams: Some(heads.into_iter().filter_map(known).collect()),
        ids: ids.iter().filter_map(|id| id.parse::<EventId>().ok()).collect(),
    })
}

/// `(?,?,…),(?,?,…)…`
fn placeholders(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    vec![row; rows].join(",")
}

async fn insert_events(connection: &mut SqliteConnection, rows: &[Row<'_>]) -> Result<(), sqlx::Error> {
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let mut sql =
            "INSERT INTO event (position, stream, version, id, type, time_us, body, leaf_hash) VALUES ".to_owned();
        sql.push_str(&placeholders(rows.len(), 8));
        // Safe: the text depends on the number of rows alone.
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for Row { position, recorded, body, leaf_hash } in rows {
            query = query
                .bind(column(position.0))
                .bind(recorded.stream.to_string())
                .bind(column(recorded.version.0))
                .bind(recorded.id.to_string())
                .bind(recorded.event.type_name())
                .bind(recorded.time.as_microsecond())
                .bind(body.as_ref())
                .bind(leaf_hash.as_slice());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) async fn upsert_streams(
    connection: &mut SqliteConnection,
    heads: impl Iterator<Item = &Moved>,
) -> Result<(), sqlx::Error> {
    let (kept, decided): (Vec<&Moved>, Vec<&Moved>) = heads.partition(|moved| moved.keeps);
    upsert(connection, &decided, ", status = excluded.status, partition = excluded.partition").await?;
    upsert(connection, &kept, "").await
}

/// Inserts rows, or updates existing ones, with `more` columns.
async fn upsert(connection: &mut SqliteConnection, heads: &[&Moved], more: &'static str) -> Result<(), sqlx::Error> {
    for heads in heads.chunks(ROWS_AT_ONCE) {
        let mut sql =
            "INSERT INTO stream (name, kind, first_position, position, version, next_stage, due_at_us, status, partition) VALUES "
                .to_owned();
        let _ = write!(
            sql,
            "{} ON CONFLICT (name) DO UPDATE SET position = excluded.position, version = excluded.version, \
             next_stage = excluded.next_stage, due_at_us = excluded.due_at_us{more}",
            placeholders(heads.len(), 9)
        );
        // Safe: the text depends on the number of rows, and on which of two texts of ours `more` is.
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for Moved { head, .. } in heads {
            let due = head.next.and_then(|next| next.not_before);
            query = query
                .bind(head.stream.to_string())
                .bind(head.stream.kind().name())
                .bind(column(head.first_position.0))
                .bind(column(head.position.0))
                .bind(column(head.version.0))
                .bind(head.next.map(|next| next.stage.name()))
                .bind(due.map(|due| due.as_microsecond()))
                .bind(head.status.as_ref().map(Status::as_str))
                .bind(head.partition.as_ref().map(Partition::as_str));
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
