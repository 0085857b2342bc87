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
    /// Set if it was checked against the site's key.
    pub(crate) checked: Option<Checked>,
}

/// How a proof was checked: its event is in the log that the site signed, and says what the mark says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) site_key: String,
    pub(crate) position: u64,
    pub(crate) checkpoint_size: u64,
    /// The copy's SHA-256, as the event has it.
    pub(crate) sha256: String,
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
pub(crate) async fn keep(
    db: &mut Connection,
    mark: &Mark,
    token: &str,
    checked: Option<&Checked>,
    now: Timestamp,
) -> Result<()> {
    query(
        "INSERT INTO proof (booking, drive, digest, path, read_back, proven_at_us, event, recorded_at_us, token, \
         site_key, position, checkpoint_size, sha256) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
         ON CONFLICT (booking, drive) DO UPDATE SET digest = excluded.digest, path = excluded.path, \
         read_back = excluded.read_back, proven_at_us = excluded.proven_at_us, event = excluded.event, \
         recorded_at_us = excluded.recorded_at_us, token = excluded.token, site_key = excluded.site_key, \
         position = excluded.position, checkpoint_size = excluded.checkpoint_size, sha256 = excluded.sha256",
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
    .bind(checked.map(|checked| checked.site_key.clone()))
    .bind(checked.map(|checked| stored_count(checked.position)))
    .bind(checked.map(|checked| stored_count(checked.checkpoint_size)))
    .bind(checked.map(|checked| checked.sha256.clone()))
    .execute(db)
    .await?;
    Ok(())
}

/// No log has 2^63 events.
pub(crate) fn stored_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(crate) fn taken_count(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or_default()
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
        site_key: Option<String>,
        position: Option<i64>,
        checkpoint_size: Option<i64>,
        sha256: Option<String>,
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
        let checked = match (row.site_key, row.position, row.checkpoint_size, row.sha256) {
            (Some(site_key), Some(position), Some(size), Some(sha256)) => {
                Some(Checked { site_key, position: taken_count(position), checkpoint_size: taken_count(size), sha256 })
            }
            _ => None,
        };
        Ok(Self { mark, token: row.token, checked })
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
