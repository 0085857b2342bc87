//! Bookings.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};
use strongroom_model::wire::{Listed, ServerState, TimesheetInfo};
use strongroom_model::{BookingId, ByteCount, Digest, Month};

use super::{Connection, Result, Store, from_us, json_list, parsed, to_us};
use crate::path::RelativePath;

/// A booking as it is recorded.
#[derive(Debug, Clone)]
pub(crate) struct Booking {
    pub(crate) id: BookingId,
    pub(crate) state: ServerState,
    /// Its timesheet, from state `uploaded` on.
    pub(crate) timesheet: Option<Timesheet>,
    /// From state `signed-off` on.
    pub(crate) signed_off_at: Option<Timestamp>,
    /// From state `archived` on.
    pub(crate) moved: Option<Moved>,
    /// In state `purged`.
    pub(crate) purge: Option<String>,
}

/// A booking's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timesheet {
    pub(crate) filename: String,
    pub(crate) size: ByteCount,
    pub(crate) digest: Digest,
    pub(crate) path: RelativePath,
}

/// Where a file was moved from, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) month: Month,
    pub(crate) from: RelativePath,
    pub(crate) at: Timestamp,
}

/// `SELECT` with all columns that a [`Booking`] is read from.
macro_rules! select_booking {
    ($tail:literal) => {
        concat!(
            "SELECT booking.id, state, filename, size_bytes, digest, path, signed_off_at_us, month, moved_from, ",
            "moved_at_us, purge FROM booking ",
            $tail
        )
    };
}

/// The oldest that wait: an index scan, however many bookings there are. The index is named,
/// for SQLite prefers another once it has statistics of many archived bookings.
pub(crate) const WAITING: &str = select_booking!(
    "INDEXED BY booking_waiting WHERE state = 'signed-off' AND (signed_off_at_us, id) > (?1, ?2) ORDER BY signed_off_at_us, id LIMIT ?3"
);
/// All bookings by id.
pub(crate) const LIST_ALL: &str = select_booking!("WHERE id > ?1 ORDER BY id LIMIT ?2");
/// The bookings of one state by id.
pub(crate) const LIST_STATE: &str = select_booking!("WHERE state = ?3 AND id > ?1 ORDER BY id LIMIT ?2");
/// The booking whose file lies there. The second and third condition are the index's own.
pub(crate) const AT_PATH: &str = select_booking!("WHERE path = ?1 AND path NOT NULL AND state <> 'purged'");
/// The latest moves.
pub(crate) const LATEST_MOVES: &str =
    select_booking!("INDEXED BY booking_moved WHERE state = 'archived' ORDER BY moved_at_us DESC LIMIT ?1");

impl Store {
    /// One booking.
    pub(crate) async fn booking(&self, id: &BookingId) -> Result<Option<Booking>> {
        get(&mut *self.reader().await?, id).await
    }

    /// Those of the named bookings that there are.
    pub(crate) async fn bookings(&self, ids: &[BookingId]) -> Result<HashMap<BookingId, Booking>> {
        get_all(&mut *self.reader().await?, ids).await
    }

    /// The oldest `limit` signed-off bookings that are not backed up, after `after`.
    pub(crate) async fn waiting(&self, limit: u32, after: Option<(Timestamp, &BookingId)>) -> Result<Vec<Booking>> {
        let (us, id) = after.map_or((i64::MIN, ""), |(time, id)| (to_us(time), id.as_str()));
        let rows = sqlx::query_as(WAITING).bind(us).bind(id).bind(limit);
        Ok(rows.fetch_all(&mut *self.reader().await?).await?)
    }

    /// The next `limit` bookings by id, of one state or of all.
    pub(crate) async fn list(
        &self,
        state: Option<ServerState>,
        after: Option<&BookingId>,
        limit: u32,
    ) -> Result<Vec<Booking>> {
        let after = after.map_or("", BookingId::as_str);
        let rows = match state {
            None => sqlx::query_as(LIST_ALL).bind(after).bind(limit),
            Some(state) => sqlx::query_as(LIST_STATE).bind(after).bind(limit).bind(state_name(state)),
        };
        Ok(rows.fetch_all(&mut *self.reader().await?).await?)
    }

    /// How many bookings stand there.
    pub(crate) async fn tally(&self, state: ServerState) -> Result<u64> {
        let count: i64 = sqlx::query_scalar("SELECT bookings FROM tally WHERE state = ?1")
            .bind(state_name(state))
            .fetch_one(&mut *self.reader().await?)
            .await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// The archived bookings that were moved last.
    pub(crate) async fn latest_moves(&self, limit: u32) -> Result<Vec<Booking>> {
        Ok(sqlx::query_as(LATEST_MOVES).bind(limit).fetch_all(&mut *self.reader().await?).await?)
    }
}

pub(crate) async fn get(db: &mut Connection, id: &BookingId) -> Result<Option<Booking>> {
    let row = sqlx::query_as(select_booking!("WHERE id = ?1")).bind(id.as_str());
    Ok(row.fetch_optional(db).await?)
}

pub(crate) async fn get_all(db: &mut Connection, ids: &[BookingId]) -> Result<HashMap<BookingId, Booking>> {
    let rows: Vec<Booking> = sqlx::query_as(select_booking!("WHERE id IN (SELECT value FROM json_each(?1))"))
        .bind(json_list(ids))
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|booking| (booking.id.clone(), booking)).collect())
}

/// The booking whose file lies there.
pub(crate) async fn at_path(db: &mut Connection, path: &RelativePath) -> Result<Option<Booking>> {
    let row = sqlx::query_as(AT_PATH).bind(path.as_bytes());
    Ok(row.fetch_optional(db).await?)
}

/// Records a booking without a timesheet; gives whether it is new.
pub(crate) async fn create(db: &mut Connection, id: &BookingId, now: Timestamp) -> Result<bool> {
    let created =
        sqlx::query("INSERT INTO booking (id, state, created_at_us) VALUES (?1, 'created', ?2) ON CONFLICT DO NOTHING")
            .bind(id.as_str())
            .bind(to_us(now))
            .execute(db)
            .await?;
    Ok(created.rows_affected() == 1)
}

/// Records a booking that is signed off already, with its timesheet.
pub(crate) async fn import(
    db: &mut Connection,
    id: &BookingId,
    timesheet: &Timesheet,
    signed_off_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO booking (id, state, created_at_us, filename, size_bytes, digest, path, signed_off_at_us) \
         VALUES (?1, 'signed-off', ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .bind(id.as_str())
    .bind(to_us(now))
    .bind(&timesheet.filename)
    .bind(stored_size(timesheet.size))
    .bind(timesheet.digest.to_string())
    .bind(timesheet.path.as_bytes())
    .bind(to_us(signed_off_at))
    .execute(db)
    .await?;
    Ok(())
}

/// Records the timesheet of a booking that is not signed off; gives whether it was such.
pub(crate) async fn set_timesheet(db: &mut Connection, id: &BookingId, timesheet: &Timesheet) -> Result<bool> {
    let set = sqlx::query(
        "UPDATE booking SET state = 'uploaded', filename = ?2, size_bytes = ?3, digest = ?4, path = ?5 \
         WHERE id = ?1 AND state IN ('created', 'uploaded')",
    )
    .bind(id.as_str())
    .bind(&timesheet.filename)
    .bind(stored_size(timesheet.size))
    .bind(timesheet.digest.to_string())
    .bind(timesheet.path.as_bytes())
    .execute(db)
    .await?;
    Ok(set.rows_affected() == 1)
}

/// Records that the file with the recorded bytes lies elsewhere now; the state stays.
pub(crate) async fn set_path(db: &mut Connection, id: &BookingId, path: &RelativePath) -> Result<()> {
    sqlx::query("UPDATE booking SET path = ?2 WHERE id = ?1")
        .bind(id.as_str())
        .bind(path.as_bytes())
        .execute(db)
        .await?;
    Ok(())
}

/// Records the digest and size of a file whose record was wrong.
pub(crate) async fn correct(db: &mut Connection, id: &BookingId, size: ByteCount, digest: &Digest) -> Result<()> {
    sqlx::query("UPDATE booking SET size_bytes = ?2, digest = ?3 WHERE id = ?1 AND state = 'signed-off'")
        .bind(id.as_str())
        .bind(stored_size(size))
        .bind(digest.to_string())
        .execute(db)
        .await?;
    Ok(())
}

/// Records the sign-off of an uploaded timesheet; gives whether there was one.
pub(crate) async fn sign_off(db: &mut Connection, id: &BookingId, now: Timestamp) -> Result<bool> {
    let set = sqlx::query(
        "UPDATE booking SET state = 'signed-off', signed_off_at_us = ?2 WHERE id = ?1 AND state = 'uploaded'",
    )
    .bind(id.as_str())
    .bind(to_us(now))
    .execute(db)
    .await?;
    Ok(set.rows_affected() == 1)
}

/// Records that a signed-off booking is backed up.
pub(crate) async fn mark(db: &mut Connection, id: &BookingId) -> Result<()> {
    sqlx::query("UPDATE booking SET state = 'backed-up' WHERE id = ?1 AND state = 'signed-off'")
        .bind(id.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// Records a move that was made.
pub(crate) async fn archive(db: &mut Connection, id: &BookingId, path: &RelativePath, moved: &Moved) -> Result<()> {
    sqlx::query(
        "UPDATE booking SET state = 'archived', path = ?2, month = ?3, moved_from = ?4, moved_at_us = ?5 \
         WHERE id = ?1 AND state = 'backed-up'",
    )
    .bind(id.as_str())
    .bind(path.as_bytes())
    .bind(moved.month.to_string())
    .bind(moved.from.as_bytes())
    .bind(to_us(moved.at))
    .execute(db)
    .await?;
    Ok(())
}

/// Records that the file is gone.
pub(crate) async fn purge(db: &mut Connection, id: &BookingId, purge: &str) -> Result<()> {
    sqlx::query("UPDATE booking SET state = 'purged', purge = ?2 WHERE id = ?1 AND state = 'archived'")
        .bind(id.as_str())
        .bind(purge)
        .execute(db)
        .await?;
    Ok(())
}

impl Booking {
    /// As the list of waiting bookings shows it; `None` where it is not signed off.
    pub(crate) fn listed(self) -> Option<Listed> {
        let timesheet = self.timesheet?;
        Some(Listed {
            id: self.id.into(),
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

impl FromRow<'_, SqliteRow> for Booking {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let signed_off_at: Option<i64> = row.try_get("signed_off_at_us")?;
        Ok(Self {
            id: parsed(row.try_get("id")?)?,
            state: state_named(row.try_get("state")?)?,
            timesheet: timesheet(row)?,
            signed_off_at: signed_off_at.map(from_us).transpose()?,
            moved: moved(row)?,
            purge: row.try_get("purge")?,
        })
    }
}

fn timesheet(row: &SqliteRow) -> sqlx::Result<Option<Timesheet>> {
    let Some(filename) = row.try_get("filename")? else { return Ok(None) };
    Ok(Some(Timesheet {
        filename,
        size: ByteCount(u64::try_from(row.try_get::<i64, _>("size_bytes")?).unwrap_or_default()),
        digest: parsed(row.try_get("digest")?)?,
        path: stored_path(row.try_get("path")?)?,
    }))
}

fn moved(row: &SqliteRow) -> sqlx::Result<Option<Moved>> {
    let Some(month) = row.try_get::<Option<&str>, _>("month")? else { return Ok(None) };
    Ok(Some(Moved {
        month: parsed(month)?,
        from: stored_path(row.try_get("moved_from")?)?,
        at: from_us(row.try_get("moved_at_us")?)?,
    }))
}

pub(crate) fn stored_path(bytes: &[u8]) -> sqlx::Result<RelativePath> {
    RelativePath::new(bytes).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// A size as SQLite keeps it. No file system holds more than 2^63 bytes in one file.
pub(crate) fn stored_size(size: ByteCount) -> i64 {
    i64::try_from(size.0).unwrap_or(i64::MAX)
}

const STATES: [(ServerState, &str); 6] = [
    (ServerState::Created, "created"),
    (ServerState::Uploaded, "uploaded"),
    (ServerState::SignedOff, "signed-off"),
    (ServerState::BackedUp, "backed-up"),
    (ServerState::Archived, "archived"),
    (ServerState::Purged, "purged"),
];

/// A state's name, in the records and on the wire.
pub(crate) fn state_name(state: ServerState) -> &'static str {
    STATES.iter().find(|(known, _)| *known == state).map(|(_, name)| *name).expect("the list is complete")
}

fn state_named(name: &str) -> sqlx::Result<ServerState> {
    let known = STATES.iter().find(|(_, known)| *known == name).map(|(state, _)| *state);
    known.ok_or_else(|| sqlx::Error::Decode(format!("{name:?} is no state of a booking").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What SQLite says about how it will read.
    async fn plan(store: &Store, query: &'static str) -> String {
        let explained = format!("EXPLAIN QUERY PLAN {query}");
        let rows = sqlx::query(sqlx::AssertSqlSafe(explained)).fetch_all(&mut *store.reader().await.unwrap()).await;
        rows.unwrap().iter().map(|row| row.get::<String, _>("detail")).collect::<Vec<_>>().join("; ")
    }

    /// A row for each `number`, of which every hundredth waits.
    async fn filled(store: &Store, rows: u32) {
        let mut db = store.begin().await.unwrap();
        sqlx::query(
            "WITH RECURSIVE counted (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM counted WHERE number < ?1) \
             INSERT INTO booking (id, state, created_at_us, filename, size_bytes, digest, path, signed_off_at_us, \
             month, moved_from, moved_at_us) \
             SELECT 'B-' || number, iif(number % 100 = 0, 'signed-off', 'archived'), number, 'a', 1, \
             'md5:00000000000000000000000000000000', CAST('p' || number AS BLOB), number, '2026-11', \
             CAST('q' || number AS BLOB), number FROM counted",
        )
        .bind(rows)
        .execute(&mut *db)
        .await
        .unwrap();
        db.commit().await.unwrap();
    }

    #[tokio::test]
    async fn every_list_is_an_index_scan_whatever_the_tables_size() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("server.db")).await.unwrap();
        let check = async || {
            for (query, index) in [
                (WAITING, "USING INDEX booking_waiting"),
                (LIST_ALL, "USING PRIMARY KEY (id>?)"),
                (LIST_STATE, "USING INDEX booking_state (state=? AND id>?)"),
                (LATEST_MOVES, "USING INDEX booking_moved"),
            ] {
                let plan = plan(&store, query).await;
                assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{plan}");
            }
        };
        check().await;
        filled(&store, 20_000).await;
        // With statistics SQLite may change its mind.
        sqlx::query("ANALYZE").execute(&store.writer).await.unwrap();
        check().await;
        assert_eq!(store.tally(ServerState::SignedOff).await.unwrap(), 200);
        assert_eq!(store.waiting(3, None).await.unwrap().len(), 3);
    }

    #[tokio::test]
    async fn a_path_is_looked_up_by_its_index() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("server.db")).await.unwrap();
        let plan = plan(&store, AT_PATH).await;
        assert!(plan.contains("USING INDEX booking_path"), "{plan}");
    }

    #[tokio::test]
    async fn a_record_is_never_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("server.db")).await.unwrap();
        filled(&store, 100).await;
        let error = sqlx::query("DELETE FROM booking").execute(&store.writer).await.unwrap_err().to_string();
        assert!(error.contains("never deleted"), "{error}");
    }
}
