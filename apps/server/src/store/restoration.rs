//! Files that were put back from copies.

use std::collections::HashMap;

use jiff::Timestamp;
use strongroom_model::wire::RestoredInfo;
use strongroom_model::{BookingId, DriveId};

use super::columns::columns;
use super::{Connection, Result, Sql, Store, from_us, list, parsed, query, to_us};

const NEWEST: Sql = Sql::Each {
    sqlite: "SELECT booking, restored_at_us, drive, purge FROM restoration \
             WHERE booking IN (SELECT value FROM json_each($1)) ORDER BY number",
    postgres: "SELECT booking, restored_at_us, drive, purge FROM restoration WHERE booking = ANY($1) ORDER BY number",
};

/// A file that was put back.
#[derive(Debug, Clone)]
pub(crate) struct Restoration {
    booking: String,
    info: RestoredInfo,
}

impl Store {
    /// The newest of each booking.
    pub(crate) async fn restorations(&self, ids: &[BookingId]) -> Result<HashMap<String, RestoredInfo>> {
        let rows: Vec<Restoration> = query(NEWEST).bind(list(ids)).fetch_all(&mut self.reader().await?).await?;
        Ok(rows.into_iter().map(|row| (row.booking, row.info)).collect())
    }
}

/// Records that a file was put back: `purge` had deleted it.
pub(crate) async fn record(
    db: &mut Connection,
    booking: &BookingId,
    drive: Option<DriveId>,
    purge: Option<&str>,
    at: Timestamp,
) -> Result<()> {
    query("INSERT INTO restoration (booking, restored_at_us, drive, purge) VALUES ($1, $2, $3, $4)")
        .bind(booking.as_str())
        .bind(to_us(at))
        .bind(drive.map(|drive| drive.to_string()))
        .bind(purge.map(str::to_owned))
        .execute(db)
        .await?;
    Ok(())
}

columns! {
    struct RestorationColumns for Restoration {
        booking: String,
        restored_at_us: i64,
        drive: Option<String>,
        purge: Option<String>,
    }
}

impl TryFrom<RestorationColumns> for Restoration {
    type Error = sqlx::Error;

    fn try_from(row: RestorationColumns) -> sqlx::Result<Self> {
        let drive = row.drive.map(|drive| parsed(&drive)).transpose()?;
        let info = RestoredInfo { restored_at: from_us(row.restored_at_us)?, drive, purge: row.purge };
        Ok(Self { booking: row.booking, info })
    }
}
