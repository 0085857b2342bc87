//! Changes of bookings.

use jiff::Timestamp;
use strongroom_model::{BookingId, ByteCount, Digest};

use super::{Moved, Timesheet, stored_size};
use crate::path::RelativePath;
use crate::store::{Connection, OutsideText, Result, query, to_us};
use crate::unchanged::Stamp;

fn stored_stamp(stamp: Option<&Stamp>) -> Option<String> {
    stamp.map(|stamp| stamp.as_str().to_owned())
}

/// Records a booking without a timesheet; returns whether it is new.
pub(crate) async fn create(db: &mut Connection, id: &BookingId, now: Timestamp) -> Result<bool> {
    let created =
        query("INSERT INTO booking (id, state, created_at_us) VALUES ($1, 'created', $2) ON CONFLICT DO NOTHING");
    Ok(created.bind(id.as_str()).bind(to_us(now)).execute(db).await? == 1)
}

pub(crate) async fn import(
    db: &mut Connection,
    id: &BookingId,
    timesheet: &Timesheet,
    signed_off_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    query(
        "INSERT INTO booking (id, state, created_at_us, filename, size_bytes, digest, path, signed_off_at_us, \
         stamp) VALUES ($1, 'signed-off', $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id.as_str())
    .bind(to_us(now))
    .bind(OutsideText::from(timesheet.filename.as_str()))
    .bind(stored_size(timesheet.size))
    .bind(timesheet.digest.to_string())
    .bind(timesheet.path.as_bytes())
    .bind(to_us(signed_off_at))
    .bind(stored_stamp(timesheet.stamp.as_ref()))
    .execute(db)
    .await?;
    Ok(())
}

/// Records the timesheet of a booking; returns false if it is signed off.
pub(crate) async fn set_timesheet(db: &mut Connection, id: &BookingId, timesheet: &Timesheet) -> Result<bool> {
    let set = query(
        "UPDATE booking SET state = 'uploaded', filename = $2, size_bytes = $3, digest = $4, path = $5, stamp = $6 \
         WHERE id = $1 AND state IN ('created', 'uploaded')",
    );
    let set = set
        .bind(id.as_str())
        .bind(OutsideText::from(timesheet.filename.as_str()))
        .bind(stored_size(timesheet.size))
        .bind(timesheet.digest.to_string())
        .bind(timesheet.path.as_bytes())
        .bind(stored_stamp(timesheet.stamp.as_ref()));
    Ok(set.execute(db).await? == 1)
}

/// Records a new path of the recorded bytes; the state stays.
pub(crate) async fn set_path(
    db: &mut Connection,
    id: &BookingId,
    path: &RelativePath,
    stamp: Option<&Stamp>,
) -> Result<()> {
    query("UPDATE booking SET path = $2, stamp = $3 WHERE id = $1")
        .bind(id.as_str())
        .bind(path.as_bytes())
        .bind(stored_stamp(stamp))
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn correct(db: &mut Connection, id: &BookingId, size: ByteCount, digest: &Digest) -> Result<()> {
    query("UPDATE booking SET size_bytes = $2, digest = $3, stamp = NULL WHERE id = $1 AND state = 'signed-off'")
        .bind(id.as_str())
        .bind(stored_size(size))
        .bind(digest.to_string())
        .execute(db)
        .await?;
    Ok(())
}

/// Signs an uploaded timesheet off; returns whether there was one.
pub(crate) async fn sign_off(db: &mut Connection, id: &BookingId, now: Timestamp) -> Result<bool> {
    let set =
        query("UPDATE booking SET state = 'signed-off', signed_off_at_us = $2 WHERE id = $1 AND state = 'uploaded'");
    Ok(set.bind(id.as_str()).bind(to_us(now)).execute(db).await? == 1)
}

pub(crate) async fn mark(db: &mut Connection, id: &BookingId) -> Result<()> {
    query("UPDATE booking SET state = 'backed-up' WHERE id = $1 AND state = 'signed-off'")
        .bind(id.as_str())
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn archive(
    db: &mut Connection,
    id: &BookingId,
    path: &RelativePath,
    stamp: Option<&Stamp>,
    moved: &Moved,
) -> Result<()> {
    query(
        "UPDATE booking SET state = 'archived', path = $2, month = $3, moved_from = $4, moved_at_us = $5, \
         stamp = $6 WHERE id = $1 AND state = 'backed-up'",
    )
    .bind(id.as_str())
    .bind(path.as_bytes())
    .bind(moved.month.to_string())
    .bind(moved.from.as_bytes())
    .bind(to_us(moved.at))
    .bind(stored_stamp(stamp))
    .execute(db)
    .await?;
    Ok(())
}

/// Records that a copy of the recorded bytes is in the archive again, at that path.
pub(crate) async fn put_back(
    db: &mut Connection,
    id: &BookingId,
    path: &RelativePath,
    stamp: Option<&Stamp>,
) -> Result<()> {
    query(
        "UPDATE booking SET state = 'archived', path = $2, stamp = $3, purge = NULL \
         WHERE id = $1 AND state IN ('archived', 'purged')",
    )
    .bind(id.as_str())
    .bind(path.as_bytes())
    .bind(stored_stamp(stamp))
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn purge(db: &mut Connection, id: &BookingId, purge: &str) -> Result<()> {
    query("UPDATE booking SET state = 'purged', purge = $2 WHERE id = $1 AND state = 'archived'")
        .bind(id.as_str())
        .bind(purge)
        .execute(db)
        .await?;
    Ok(())
}
