//! Passes the rows to the walker, from one snapshot of the database.

use sqlx::postgres::PgConnection;
use strongroom_model::text::printable;
use strongroom_model::{Position, SiteId};

use super::place::timely;
use super::{PostgresLog, guard, state};
use crate::error::LogError;
use crate::reading::{column, limit};
use crate::stream_head::keeping_types;
use crate::verify::{Damage, Fault, RawRow, Stop, Verification, Walker, no_stray};
use strongroom_proof::Head;

/// Rows in memory at once.
const BATCH: usize = 512;

impl PostgresLog {
    pub(crate) async fn verify(&self, site: &SiteId, earlier: &[Head]) -> Result<Verification, LogError> {
        // Its own connection, so that its snapshot ends with it, even if this future is dropped.
        let mut connection = self.place.connect().await?;
        let mut walker = Walker::new(site.as_str(), earlier);
        let walked = walk(&mut connection, site, &mut walker).await;
        walker.report(walked, is_damage)
    }
}

/// Whether stored data is wrong, rather than unreadable just now. XX001 and XX002: damaged tables and indexes.
fn is_damage(error: &sqlx::Error) -> bool {
    let undecodable = matches!(error, sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. });
    undecodable || state(error).is_some_and(|state| state == "XX001" || state == "XX002")
}

async fn walk(connection: &mut PgConnection, site: &SiteId, walker: &mut Walker) -> Result<(), Stop> {
    sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *connection).await?;
    let query = sqlx::query_as("SELECT size, frontier FROM head WHERE site = $1").bind(site.as_str());
    let stored: Option<(i64, Vec<u8>)> = timely(query.fetch_optional(&mut *connection)).await?;
    walker.begin(stored)?;
    while walker.take(&read_rows(connection, site, walker.next()).await?)? {}
    walker.finish()?;
    check_streams(connection, site).await?;
    match guard::changed(connection).await? {
        None => Ok(()),
        Some(name) => Err(Damage { position: walker.next(), fault: Fault::Guard(printable(&name, 80)) }.into()),
    }
}

/// The next rows; at one that the database cannot read, those before it, then the error.
async fn read_rows(connection: &mut PgConnection, site: &SiteId, from: Position) -> Result<Vec<RawRow>, sqlx::Error> {
    match timely(read_batch(connection, site, from, BATCH)).await {
        // A server error ends the transaction, and its snapshot with it.
        Err(error) if is_damage(&error) && error.as_database_error().is_none() => {
            timely(read_batch(connection, site, from, 1)).await
        }
        other => other,
    }
}

async fn read_batch(
    connection: &mut PgConnection,
    site: &SiteId,
    from: Position,
    most: usize,
) -> Result<Vec<RawRow>, sqlx::Error> {
    // Lookups by index, row by row.
    sqlx::query_as(
        "SELECT e.position AS at, e.stream, e.version AS event_version, e.id::text, e.type, e.time_us, e.body,
                e.leaf_hash, p.position AS previous, f.position AS first, n.position IS NULL AS is_last,
                s.name, s.first_position, s.position, s.version, s.next_stage, s.due_at_us, s.status, s.partition,
                CASE WHEN n.position IS NULL AND e.type = ANY ($4) THEN (
                    SELECT d.body FROM event d WHERE d.site = e.site AND d.stream = e.stream AND d.version < e.version
                    AND d.type <> ALL ($4) ORDER BY d.version DESC LIMIT 1
                ) END AS decisive
         FROM event e
         LEFT JOIN LATERAL (
             SELECT position FROM event x WHERE x.site = e.site AND x.stream = e.stream AND x.version = e.version - 1
             LIMIT 1
         ) p ON true
         LEFT JOIN LATERAL (
             SELECT position FROM event x WHERE x.site = e.site AND x.stream = e.stream AND x.version = e.version + 1
             LIMIT 1
         ) n ON true
         LEFT JOIN LATERAL (
             SELECT position FROM event x WHERE x.site = e.site AND x.stream = e.stream AND x.version = 0 LIMIT 1
         ) f ON n.position IS NULL
         LEFT JOIN LATERAL (SELECT * FROM stream x WHERE x.site = e.site AND x.name = e.stream LIMIT 1) s
             ON n.position IS NULL
         WHERE e.site = $1 AND e.position >= $2 ORDER BY e.position LIMIT $3",
    )
    .bind(site.as_str())
    .bind(column(from.0))
    .bind(limit(most))
    .bind(keeping_types())
    .fetch_all(connection)
    .await
}

async fn check_streams(connection: &mut PgConnection, site: &SiteId) -> Result<(), Stop> {
    let stray: Option<(String, i64)> = sqlx::query_as(
        "SELECT s.name, s.position FROM stream s
         WHERE s.site = $1 AND NOT EXISTS (
             SELECT 1 FROM event e WHERE e.site = s.site AND e.position = s.position AND e.stream = s.name
         )
         ORDER BY s.position LIMIT 1",
    )
    .bind(site.as_str())
    .fetch_optional(connection)
    .await?;
    Ok(no_stray(stray)?)
}
