//! Rebuilding the projection from the events.

use sqlx::{Connection as _, PgConnection};
use strongroom_model::SiteId;
use strongroom_service::kill_point;

use super::write::bind_heads;
use crate::error::LogError;
use crate::projection::{LastEvent, heads, readable_heads};
use crate::reading::column;
use crate::stream_head::{Moved, keeping_types};

/// Events per query. A range of positions bounds its work; a `LIMIT` may be planned as a scan to the log's end with a
/// sort, for each batch.
const SPAN: u64 = 1024;

/// If we stop before the commit, the projection is as it was. The locked head keeps others from appending.
pub(super) async fn rebuild(connection: &mut PgConnection, site: &SiteId) -> Result<u64, LogError> {
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT clear_streams($1)").bind(site.as_str()).execute(&mut *transaction).await?;
    let streams = project(&mut transaction, site.as_str(), heads).await?;
    kill_point!("eventlog.before-rebuild-commit");
    transaction.commit().await?;
    Ok(streams)
}

/// For a migration: the new schema's columns, for every site.
pub(super) async fn upgrade(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let sites: Vec<String> =
        sqlx::query_scalar("SELECT site FROM head ORDER BY site").fetch_all(&mut *connection).await?;
    for site in sites {
        let streams = project(connection, &site, |lasts| Ok::<_, sqlx::Error>(readable_heads(lasts))).await?;
        tracing::info!(site, streams, "the event log's projection is brought up to date");
    }
    Ok(())
}

async fn project<E: From<sqlx::Error>>(
    connection: &mut PgConnection,
    site: &str,
    heads: impl Fn(&[LastEvent]) -> Result<Vec<Moved>, E>,
) -> Result<u64, E> {
    let size: Option<i64> =
        sqlx::query_scalar("SELECT size FROM head WHERE site = $1").bind(site).fetch_optional(&mut *connection).await?;
    let mut streams = 0;
    for start in (0..size.unwrap_or_default().unsigned_abs()).step_by(SPAN as usize) {
        let heads = heads(&last_events(connection, site, start).await?)?;
        streams += heads.len() as u64;
        let query = sqlx::query("SELECT put_streams($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)").bind(site);
        bind_heads!(query, heads).execute(&mut *connection).await?;
    }
    Ok(streams)
}

/// Streams' last events in that span. Lookups are by key, event by event: a join could be planned otherwise.
async fn last_events(connection: &mut PgConnection, site: &str, start: u64) -> Result<Vec<LastEvent>, sqlx::Error> {
    sqlx::query_as(
        "SELECT e.position, e.body, (
             SELECT f.position FROM event f WHERE f.site = e.site AND f.stream = e.stream AND f.version = 0
         ) AS first, CASE WHEN e.type = ANY ($4) THEN (
             SELECT d.body FROM event d WHERE d.site = e.site AND d.stream = e.stream AND d.version < e.version
             AND d.type <> ALL ($4) ORDER BY d.version DESC LIMIT 1
         ) END AS decisive
         FROM event e WHERE e.site = $1 AND e.position >= $2 AND e.position < $3 AND (
             SELECT n.position FROM event n WHERE n.site = e.site AND n.stream = e.stream AND n.version = e.version + 1
         ) IS NULL
         ORDER BY e.position",
    )
    .bind(site)
    .bind(column(start))
    .bind(column(start + SPAN))
    .bind(keeping_types())
    .fetch_all(connection)
    .await
}
