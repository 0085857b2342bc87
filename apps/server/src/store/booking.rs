mod change;
mod list;
mod row;

use std::collections::HashMap;

use jiff::Timestamp;
use strongroom_model::wire::{Listed, ServerState, TimesheetInfo};
use strongroom_model::{BookingId, ByteCount, Digest, Month};

use super::{Connection, Result, Sql, Store, list, query};
use crate::path::RelativePath;
use crate::unchanged::{Fingerprint, Stamp};

pub(crate) use self::change::{
    archive, correct, create, import, mark, purge, put_back, set_path, set_timesheet, sign_off,
};
#[cfg(test)]
pub(crate) use self::list::{LATEST_MOVES, LIST_ALL, LIST_STATE, WAITING};
pub(crate) use self::row::{state_name, stored_path, stored_size, taken_size};

#[derive(Debug, Clone)]
pub(crate) struct Booking {
    pub(crate) id: BookingId,
    pub(crate) state: ServerState,
    /// From state `uploaded` on.
    pub(crate) timesheet: Option<Timesheet>,
    /// From state `signed-off` on.
    pub(crate) signed_off_at: Option<Timestamp>,
    /// From state `archived` on.
    pub(crate) moved: Option<Moved>,
    /// In state `purged`.
    pub(crate) purge: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timesheet {
    pub(crate) filename: String,
    pub(crate) size: ByteCount,
    pub(crate) digest: Digest,
    pub(crate) path: RelativePath,
    pub(crate) stamp: Option<Stamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) month: Month,
    pub(crate) from: RelativePath,
    pub(crate) at: Timestamp,
}

/// `SELECT` with all columns of a [`Booking`].
macro_rules! select_booking {
    ($tail:literal) => {
        concat!(
            "SELECT booking.id, state, filename, size_bytes, digest, path, signed_off_at_us, month, moved_from, ",
            "moved_at_us, purge, stamp FROM booking ",
            $tail
        )
    };
}
use select_booking;

/// The conditions on the state and on null are the index's own.
pub(crate) const AT_PATH: Sql = Sql::Each {
    sqlite: select_booking!("WHERE path = $1 AND path IS NOT NULL AND state <> 'purged'"),
    postgres: select_booking!(
        "WHERE sha256(path) = sha256($1) AND path = $1 AND path IS NOT NULL AND state <> 'purged'"
    ),
};
const ALL_NAMED: Sql = Sql::Each {
    sqlite: select_booking!("WHERE id IN (SELECT value FROM json_each($1))"),
    postgres: select_booking!("WHERE id = ANY($1)"),
};

impl Store {
    pub(crate) async fn booking(&self, id: &BookingId) -> Result<Option<Booking>> {
        get(&mut self.reader().await?, id).await
    }

    /// Those of the named bookings that exist.
    pub(crate) async fn bookings(&self, ids: &[BookingId]) -> Result<HashMap<BookingId, Booking>> {
        get_all(&mut self.reader().await?, ids).await
    }
}

pub(crate) async fn get(db: &mut Connection, id: &BookingId) -> Result<Option<Booking>> {
    query(select_booking!("WHERE id = $1")).bind(id.as_str()).fetch_optional(db).await
}

pub(crate) async fn get_all(db: &mut Connection, ids: &[BookingId]) -> Result<HashMap<BookingId, Booking>> {
    let rows: Vec<Booking> = query(ALL_NAMED).bind(list(ids)).fetch_all(db).await?;
    Ok(rows.into_iter().map(|booking| (booking.id.clone(), booking)).collect())
}

/// The booking whose file is there.
pub(crate) async fn at_path(db: &mut Connection, path: &RelativePath) -> Result<Option<Booking>> {
    query(AT_PATH).bind(path.as_bytes()).fetch_optional(db).await
}

impl Timesheet {
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint { size: self.size, digest: self.digest.clone(), stamp: self.stamp.clone() }
    }
}

impl Booking {
    /// Whether it is in that state with its file at that path.
    pub(crate) fn is_at(&self, state: ServerState, path: &RelativePath) -> bool {
        self.state == state && self.timesheet.as_ref().is_some_and(|timesheet| timesheet.path == *path)
    }

    /// `None` if it is not signed off.
    pub(crate) fn listed(self) -> Option<Listed> {
        let timesheet = self.timesheet?;
        Some(Listed {
            id: self.id.to_string(),
            filename: timesheet.filename,
            size_bytes: timesheet.size.0,
            digest: timesheet.digest.to_string(),
            signed_off_at: self.signed_off_at?,
        })
    }
}

impl From<Timesheet> for TimesheetInfo {
    fn from(timesheet: Timesheet) -> Self {
        Self {
            filename: timesheet.filename,
            size_bytes: timesheet.size.0,
            digest: timesheet.digest.to_string(),
            path: timesheet.path.to_string(),
        }
    }
}
