//! Passes the rows to the walker, from one snapshot of the database.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{FromRow, Row as _};
use strongroom_model::text::printable;
use strongroom_model::{Position, SiteId};

use super::place::timely;
use super::{PostgresLog, guard, state};
use crate::error::{LogError, StorageError};
use crate::merkle::Frontier;
use crate::reading::{column, limit};
use crate::stored::Head;
use crate::stream_head::{StreamHead, keeping_types};
use crate::verify::{Damage, Fault, RawRow, Verification, Walker};

/// Rows in memory at once.
const BATCH: usize = 512;

enum Stop {
    Damage(Damage),
    Storage(sqlx::Error),
}

impl From<Damage> for Stop {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error)
    }
}

impl PostgresLog {
    pub(crate) async fn verify(&self, site: &SiteId, earlier: &[Head]) -> Result<Verification, LogError> {
        // Its own connection, so that its snapshot ends with it, even if this future is dropped.
        let mut connection = self.place.connect().await.map_err(StorageError::from)?;
        let mut walker = Walker::new(site.as_str(), earlier);
        let mut head = Head { size: 0, root: Frontier::default().root() };
        let damage = match walk(&mut connection, site, &mut walker, &mut head).await {
            Ok(()) => None,
            Err(Stop::Damage(damage)) => Some(damage),
            Err(Stop::Storage(error)) if is_damage(&error) => {
                Some(Damage { position: walker.next(), fault: Fault::Unreadable(error.to_string()) })
            }
            Err(Stop::Storage(error)) => return Err(StorageError::from(error).into()),
        };
        Ok(walker.report(head, damage))
    }
}

/// Whether stored data is wrong, rather than unreadable just now. XX001 and XX002: damaged tables and indexes.
fn is_damage(error: &sqlx::Error) -> bool {
    let undecodable = matches!(error, sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. });
    undecodable || state(error).is_some_and(|state| state == "XX001" || state == "XX002")
}

async fn walk(connection: &mut PgConnection, site: &SiteId, walker: &mut Walker, head: &mut Head) -> Result<(), Stop> {
    sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *connection).await?;
    let query = sqlx::query_as("SELECT size, frontier FROM head WHERE site = $1").bind(site.as_str());
    let stored: Option<(i64, Vec<u8>)> = timely(query.fetch_optional(&mut *connection)).await?;
    let (size, frontier) = stored.ok_or(Damage { position: Position(0), fault: Fault::Head })?;
    let size = size.unsigned_abs();
    let frontier = Frontier::from_bytes(size, &frontier);
    *head = Head { size, root: frontier.as_ref().map_or([0; 32], Frontier::root) };
    loop {
        let rows = read_rows(connection, site, walker.next()).await?;
        for row in &rows {
            walker.step(row)?;
        }
        if rows.is_empty() {
            break;
        }
    }
    let frontier = frontier.ok_or(Damage { position: Position(size), fault: Fault::Head })?;
    walker.finish(&frontier)?;
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

impl FromRow<'_, PgRow> for RawRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let place =
            |name| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(name)?.map(|at| Position(at.unsigned_abs())));
        let projected: Option<String> = row.try_get("name")?;
        let body: String = row.try_get("body")?;
        Ok(Self {
            position: place("at")?.unwrap_or_default(),
            stream: row.try_get("stream")?,
            version: row.try_get("event_version")?,
            id: row.try_get("id")?,
            type_name: row.try_get("type")?,
            time_us: row.try_get("time_us")?,
            body: body.into_bytes(),
            leaf_hash: row.try_get("leaf_hash")?,
            previous: place("previous")?,
            is_last: row.try_get("is_last")?,
            first: place("first")?,
            decisive: row.try_get("decisive")?,
            head: projected.map(|_| StreamHead::from_row(row).map_err(|error| error.to_string())),
        })
    }
}

/// Whether each projected stream has its last event; the converse was checked on the way.
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
    match stray {
        None => Ok(()),
        Some((name, at)) => {
            let fault = Fault::UnknownStream(printable(&name, 160));
            Err(Damage { position: Position(at.unsigned_abs()), fault }.into())
        }
    }
}
