use strongroom_model::ByteCount;
use strongroom_model::wire::ServerState;

use super::{Booking, Moved, Timesheet};
use crate::path::RelativePath;
use crate::store::columns::columns;
use crate::store::{OutsideText, from_us, parsed};
use crate::unchanged::Stamp;

columns! {
    struct BookingColumns for Booking {
        id: String,
        state: String,
        filename: Option<OutsideText>,
        size_bytes: Option<i64>,
        digest: Option<String>,
        path: Option<Vec<u8>>,
        signed_off_at_us: Option<i64>,
        month: Option<String>,
        moved_from: Option<Vec<u8>>,
        moved_at_us: Option<i64>,
        purge: Option<String>,
        stamp: Option<String>,
    }
}

impl TryFrom<BookingColumns> for Booking {
    type Error = sqlx::Error;

    fn try_from(row: BookingColumns) -> sqlx::Result<Self> {
        Ok(Self {
            id: parsed(&row.id)?,
            state: state_named(&row.state)?,
            timesheet: timesheet(row.filename, row.size_bytes, row.digest, row.path, row.stamp)?,
            signed_off_at: row.signed_off_at_us.map(from_us).transpose()?,
            moved: moved(row.month, row.moved_from, row.moved_at_us)?,
            purge: row.purge,
        })
    }
}

fn timesheet(
    filename: Option<OutsideText>,
    size_bytes: Option<i64>,
    digest: Option<String>,
    path: Option<Vec<u8>>,
    stamp: Option<String>,
) -> sqlx::Result<Option<Timesheet>> {
    let (Some(OutsideText(filename)), Some(size), Some(digest), Some(path)) = (filename, size_bytes, digest, path)
    else {
        return Ok(None);
    };
    Ok(Some(Timesheet {
        filename,
        size: taken_size(size),
        digest: parsed(&digest)?,
        path: stored_path(&path)?,
        stamp: stamp.map(Stamp::stored),
    }))
}

fn moved(month: Option<String>, from: Option<Vec<u8>>, at_us: Option<i64>) -> sqlx::Result<Option<Moved>> {
    let (Some(month), Some(from), Some(at_us)) = (month, from, at_us) else { return Ok(None) };
    Ok(Some(Moved { month: parsed(&month)?, from: stored_path(&from)?, at: from_us(at_us)? }))
}

pub(crate) fn stored_path(bytes: &[u8]) -> sqlx::Result<RelativePath> {
    RelativePath::new(bytes).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// No file system holds more than 2^63 bytes in one file.
pub(crate) fn stored_size(size: ByteCount) -> i64 {
    i64::try_from(size.0).unwrap_or(i64::MAX)
}

pub(crate) fn taken_size(stored: i64) -> ByteCount {
    ByteCount(u64::try_from(stored).unwrap_or_default())
}

const STATES: [(ServerState, &str); 6] = [
    (ServerState::Created, "created"),
    (ServerState::Uploaded, "uploaded"),
    (ServerState::SignedOff, "signed-off"),
    (ServerState::BackedUp, "backed-up"),
    (ServerState::Archived, "archived"),
    (ServerState::Purged, "purged"),
];

/// In the records and on the wire.
pub(crate) fn state_name(state: ServerState) -> &'static str {
    STATES.iter().find(|(known, _)| *known == state).map(|(_, name)| *name).expect("the list is complete")
}

fn state_named(name: &str) -> sqlx::Result<ServerState> {
    let known = STATES.iter().find(|(_, known)| *known == name).map(|(state, _)| *state);
    known.ok_or_else(|| sqlx::Error::Decode(format!("{name:?} is not a state of a booking").into()))
}
