//! The proven copies, as the pipeline told them.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};
use strongroom_model::event::ReadBack;
use strongroom_model::wire::Mark;
use strongroom_model::{BookingId, DriveId, EventId};

use super::{Connection, Result, Store, from_us, json_list, parsed, to_us};

impl Store {
    /// The proofs of these bookings, by drive.
    pub(crate) async fn proofs(&self, ids: &[BookingId]) -> Result<HashMap<String, Vec<Mark>>> {
        get_all(&mut *self.reader().await?, ids).await
    }
}

/// The proofs of these bookings, by drive.
pub(crate) async fn get_all(db: &mut Connection, ids: &[BookingId]) -> Result<HashMap<String, Vec<Mark>>> {
    let query = "SELECT * FROM proof WHERE booking IN (SELECT value FROM json_each(?1)) ORDER BY booking, drive";
    let rows: Vec<Proof> = sqlx::query_as(query).bind(json_list(ids)).fetch_all(db).await?;
    let mut proofs: HashMap<String, Vec<Mark>> = HashMap::new();
    for Proof(mark) in rows {
        proofs.entry(mark.id.clone()).or_default().push(mark);
    }
    Ok(proofs)
}

/// Keeps a proof, in place of an earlier one of the same drive.
pub(crate) async fn keep(db: &mut Connection, mark: &Mark, now: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT OR REPLACE INTO proof (booking, drive, digest, path, read_back, proven_at_us, event, recorded_at_us) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(&mark.id)
    .bind(mark.drive.to_string())
    .bind(&mark.digest)
    .bind(&mark.path)
    .bind(read_back_name(mark.read_back))
    .bind(to_us(mark.proven_at))
    .bind(mark.event.to_string())
    .bind(to_us(now))
    .execute(db)
    .await?;
    Ok(())
}

struct Proof(Mark);

impl FromRow<'_, SqliteRow> for Proof {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self(Mark {
            id: row.try_get("booking")?,
            digest: row.try_get("digest")?,
            drive: parsed::<DriveId>(row.try_get("drive")?)?,
            path: row.try_get("path")?,
            read_back: read_back_named(row.try_get("read_back")?),
            proven_at: from_us(row.try_get("proven_at_us")?)?,
            event: parsed::<EventId>(row.try_get("event")?)?,
        }))
    }
}

fn read_back_name(read_back: ReadBack) -> &'static str {
    match read_back {
        ReadBack::Direct => "direct",
        ReadBack::CacheDropped => "cache-dropped",
        ReadBack::Cached => "cached",
    }
}

/// What is not known counts as the weakest.
fn read_back_named(name: &str) -> ReadBack {
    match name {
        "direct" => ReadBack::Direct,
        "cache-dropped" => ReadBack::CacheDropped,
        _ => ReadBack::Cached,
    }
}
