//! The proofs of copies that were reported.

use std::collections::HashMap;

use jiff::Timestamp;
use strongroom_model::event::ReadBack;
use strongroom_model::wire::Mark;
use strongroom_model::{BookingId, DriveId, EventId};

use super::columns::columns;
use super::{Connection, OutsideText, Result, Sql, Store, from_us, list, parsed, query, to_us};

const ALL_NAMED: Sql = Sql::Each {
    sqlite: "SELECT * FROM proof WHERE booking IN (SELECT value FROM json_each($1)) ORDER BY booking, drive",
    postgres: "SELECT * FROM proof WHERE booking = ANY($1) ORDER BY booking, drive",
};

#[derive(Debug, Clone)]
pub(crate) struct RecordedProof {
    pub(crate) mark: Mark,
    pub(crate) token: Option<String>,
}

impl Store {
    /// The proofs of each booking, ordered by drive.
    pub(crate) async fn proofs(&self, ids: &[BookingId]) -> Result<HashMap<String, Vec<RecordedProof>>> {
        get_all(&mut self.reader().await?, ids).await
    }
}

pub(crate) async fn get_all(db: &mut Connection, ids: &[BookingId]) -> Result<HashMap<String, Vec<RecordedProof>>> {
    let rows: Vec<RecordedProof> = query(ALL_NAMED).bind(list(ids)).fetch_all(db).await?;
    let mut proofs: HashMap<String, Vec<RecordedProof>> = HashMap::new();
    for recorded in rows {
        proofs.entry(recorded.mark.id.clone()).or_default().push(recorded);
    }
    Ok(proofs)
}

/// Replaces an earlier one of the same drive.
pub(crate) async fn keep(db: &mut Connection, mark: &Mark, token: &str, now: Timestamp) -> Result<()> {
    query(
        "INSERT INTO proof (booking, drive, digest, path, read_back, proven_at_us, event, recorded_at_us, token) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         ON CONFLICT (booking, drive) DO UPDATE SET digest = excluded.digest, path = excluded.path, \
         read_back = excluded.read_back, proven_at_us = excluded.proven_at_us, event = excluded.event, \
         recorded_at_us = excluded.recorded_at_us, token = excluded.token",
    )
    .bind(mark.id.as_str())
    .bind(mark.drive.to_string())
    .bind(mark.digest.as_str())
    .bind(OutsideText::from(mark.path.as_str()))
    .bind(read_back_name(mark.read_back))
    .bind(to_us(mark.proven_at))
    .bind(mark.event.to_string())
    .bind(to_us(now))
    .bind(token)
    .execute(db)
    .await?;
    Ok(())
}

columns! {
    struct ProofColumns for RecordedProof {
        booking: String,
        drive: String,
        digest: String,
        path: OutsideText,
        read_back: String,
        proven_at_us: i64,
        event: String,
        token: Option<String>,
    }
}

impl TryFrom<ProofColumns> for RecordedProof {
    type Error = sqlx::Error;

    fn try_from(row: ProofColumns) -> sqlx::Result<Self> {
        let mark = Mark {
            id: row.booking,
            digest: row.digest,
            drive: parsed::<DriveId>(&row.drive)?,
            path: row.path.0,
            read_back: read_back_named(&row.read_back),
            proven_at: from_us(row.proven_at_us)?,
            event: parsed::<EventId>(&row.event)?,
        };
        Ok(Self { mark, token: row.token })
    }
}

fn read_back_name(read_back: ReadBack) -> &'static str {
    match read_back {
        ReadBack::Direct => "direct",
        ReadBack::CacheDropped => "cache-dropped",
        ReadBack::Cached => "cached",
    }
}

/// An unknown name counts as the weakest.
fn read_back_named(name: &str) -> ReadBack {
    match name {
        "direct" => ReadBack::Direct,
        "cache-dropped" => ReadBack::CacheDropped,
        _ => ReadBack::Cached,
    }
}
