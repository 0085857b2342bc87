//! Writing: one transaction for each group.

use std::collections::HashSet;
use std::fmt::Write as _;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use strongroom_model::{EventId, NewEvent, SiteId, StreamName};
use strongroom_service::{fault, kill_point};

use super::read::frontier_of;
use super::rebuild::rebuild;
use super::row::{column, json_list};
use crate::appender::WriteError;
use crate::error::{LogError, StorageError};
use crate::plan::{Before, Plan, Row};
use crate::stream_head::StreamHead;

/// How many rows one insert has at most. Each number of rows is a prepared statement of
/// its own, and each statement is a trip to the connection's thread.
const ROWS_AT_ONCE: usize = 64;

/// The one connection that writes. Only the appender's task has it, and that is never
/// cancelled, so no transaction is left open by a future that was dropped.
#[derive(Debug)]
pub(crate) struct SqliteWriter {
    options: SqliteConnectOptions,
    /// Absent after an error: what state the connection is in is then anybody's guess, so
    /// the next group gets a new one.
    connection: Option<SqliteConnection>,
}

impl From<LogError> for WriteError {
    fn from(error: LogError) -> Self {
        Self::NotStored(error)
    }
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        Self::NotStored(StorageError::from(error).into())
    }
}

impl SqliteWriter {
    pub(super) const fn new(options: SqliteConnectOptions, connection: SqliteConnection) -> Self {
        Self { options, connection: Some(connection) }
    }

    /// Writes a group in one transaction.
    pub(crate) async fn write(&mut self, site: &SiteId, appends: &[&[NewEvent]]) -> Result<Plan, WriteError> {
        let mut connection = self.take().await?;
        let plan = write_group(&mut connection, site, appends).await?;
        self.connection = Some(connection);
        Ok(plan)
    }

    /// Makes the projection again, in one transaction. Returns how many streams there are.
    pub(crate) async fn rebuild_streams(&mut self) -> Result<u64, LogError> {
        let mut connection = self.take().await.map_err(StorageError::from)?;
        let streams = rebuild(&mut connection).await?;
        self.connection = Some(connection);
        Ok(streams)
    }

    pub(crate) async fn close(self) {
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            // All that was promised is in the WAL; the next opening takes it from there.
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

/// If we stop anywhere before the commit returns, SQLite's recovery keeps the group as a
/// whole or not at all; nobody was told of it yet.
async fn write_group(
    connection: &mut SqliteConnection,
    site: &SiteId,
    appends: &[&[NewEvent]],
) -> Result<Plan, WriteError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let before = before(&mut transaction, appends).await?;
    let plan = Plan::new(site, before, appends.iter().copied());
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

async fn before(connection: &mut SqliteConnection, appends: &[&[NewEvent]]) -> Result<Before, WriteError> {
    let (size, frontier): (i64, Vec<u8>) =
        sqlx::query_as("SELECT size, frontier FROM head").fetch_one(&mut *connection).await?;
    let events = || appends.iter().copied().flatten();
    let streams: HashSet<&StreamName> = events().map(|event| &event.stream).collect();
    let heads: Vec<StreamHead> = sqlx::query_as("SELECT * FROM stream WHERE name IN (SELECT value FROM json_each(?))")
        .bind(json_list(streams))
        .fetch_all(&mut *connection)
        .await?;
    let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM event WHERE id IN (SELECT value FROM json_each(?))")
        .bind(json_list(events().map(|event| event.id)))
        .fetch_all(&mut *connection)
        .await?;
    Ok(Before {
        frontier: frontier_of(size, &frontier)?,
        heads: heads.into_iter().map(|head| (head.stream.clone(), head)).collect(),
        ids: ids.iter().filter_map(|id| id.parse::<EventId>().ok()).collect(),
    })
}

/// `(?,?,…),(?,?,…)…`: so many rows of so many columns.
fn placeholders(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    vec![row; rows].join(",")
}

async fn insert_events(connection: &mut SqliteConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let mut sql =
            "INSERT INTO event (position, stream, version, id, type, time_us, body, leaf_hash) VALUES ".to_owned();
        sql.push_str(&placeholders(rows.len(), 8));
        // Safe: the text depends on the number of rows alone.
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for Row { recorded, body, leaf_hash } in rows {
            query = query
                .bind(column(recorded.position.0))
                .bind(recorded.stream.to_string())
                .bind(column(recorded.version.0))
                .bind(recorded.id.to_string())
                .bind(recorded.event.type_name())
                .bind(recorded.time.as_microsecond())
                .bind(body.as_str())
                .bind(leaf_hash.as_slice());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) async fn upsert_streams(
    connection: &mut SqliteConnection,
    heads: impl Iterator<Item = &StreamHead>,
) -> Result<(), sqlx::Error> {
    let heads: Vec<&StreamHead> = heads.collect();
    for heads in heads.chunks(ROWS_AT_ONCE) {
        let mut sql =
            "INSERT INTO stream (name, kind, first_position, position, version, next_stage, due_at_us, standing) VALUES "
                .to_owned();
        let _ = write!(
            sql,
            "{} ON CONFLICT (name) DO UPDATE SET position = excluded.position, version = excluded.version, \
             next_stage = excluded.next_stage, due_at_us = excluded.due_at_us, standing = excluded.standing",
            placeholders(heads.len(), 8)
        );
        // Safe: the text depends on the number of rows alone.
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for head in heads {
            let due = head.next.and_then(|next| next.not_before);
            query = query
                .bind(head.stream.to_string())
                .bind(head.stream.kind().name())
                .bind(column(head.first_position.0))
                .bind(column(head.position.0))
                .bind(column(head.version.0))
                .bind(head.next.map(|next| next.stage.name()))
                .bind(due.map(|due| due.as_microsecond()))
                .bind(head.standing.map(|standing| standing.name()));
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
