//! Making the projection again from the events.

use sqlx::{Connection as _, PgConnection};
use strongroom_model::{Position, SiteId};
use strongroom_service::kill_point;

use super::write::bind_heads;
use crate::error::{LogError, StorageError};
use crate::reading::column;
use crate::stored::decode;
use crate::stream_head::StreamHead;

/// How many events are looked at in one query. A range of positions bounds its work; a
/// `LIMIT` may be planned as a walk to the log's end that is then sorted, for each batch.
const SPAN: u64 = 1024;

/// If we stop before the commit, the projection is as it was. Nothing is appended
/// meanwhile: the head is locked.
pub(super) async fn rebuild(connection: &mut PgConnection, site: &SiteId) -> Result<u64, LogError> {
    let storage = |error: sqlx::Error| LogError::from(StorageError::from(error));
    let mut transaction = connection.begin().await.map_err(storage)?;
    sqlx::query("SELECT clear_streams($1)").bind(site.as_str()).execute(&mut *transaction).await.map_err(storage)?;
    let size = sqlx::query_scalar("SELECT size FROM head WHERE site = $1").bind(site.as_str());
    let size: Option<i64> = size.fetch_optional(&mut *transaction).await.map_err(storage)?;
    let mut streams = 0;
    for start in (0..size.unwrap_or_default().unsigned_abs()).step_by(SPAN as usize) {
        let heads = last_events(&mut transaction, site, start).await?;
        streams += heads.len() as u64;
        put(&mut transaction, site, &heads).await.map_err(storage)?;
    }
    kill_point!("eventlog.before-rebuild-commit");
    transaction.commit().await.map_err(storage)?;
    Ok(streams)
}

async fn put(connection: &mut PgConnection, site: &SiteId, heads: &[StreamHead]) -> Result<(), sqlx::Error> {
    let query = sqlx::query("SELECT put_streams($1, $2, $3, $4, $5, $6, $7, $8, $9)").bind(site.as_str());
    bind_heads!(query, heads).execute(connection).await.map(drop)
}

/// The heads of the streams whose last events are in the span that starts there, by
/// position, as the events say. What is looked up for an event is looked up by key, event
/// by event: a join could be planned as something else.
async fn last_events(connection: &mut PgConnection, site: &SiteId, start: u64) -> Result<Vec<StreamHead>, LogError> {
    let lasts: Vec<(i64, String, Option<i64>)> = sqlx::query_as(
        "SELECT e.position, e.body, (
             SELECT f.position FROM event f WHERE f.site = e.site AND f.stream = e.stream AND f.version = 0
         )
         FROM event e WHERE e.site = $1 AND e.position >= $2 AND e.position < $3 AND (
             SELECT n.position FROM event n WHERE n.site = e.site AND n.stream = e.stream AND n.version = e.version + 1
         ) IS NULL
         ORDER BY e.position",
    )
    .bind(site.as_str())
    .bind(column(start))
    .bind(column(start + SPAN))
    .fetch_all(&mut *connection)
    .await
    .map_err(StorageError::from)?;
    let head = |(position, body, first): &(i64, String, Option<i64>)| {
        let last = decode(Position(position.unsigned_abs()), body)?;
        let damaged = LogError::Damaged { position: last.position, reason: "its stream has no first event" };
        Ok(StreamHead::of(Position(first.ok_or(damaged)?.unsigned_abs()), &last))
    };
    lasts.iter().map(head).collect()
}
