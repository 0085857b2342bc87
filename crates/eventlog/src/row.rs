//! Values from either database's columns.

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use strongroom_model::{Next, Partition, Position, StageName, Status, StreamName, Version};

use crate::backlog::StageBacklog;
use crate::projection::LastEvent;
use crate::stored::Stored;
use crate::stream_head::StreamHead;
use crate::verify::RawRow;
use strongroom_proof::merkle::Hash;

fn quantity<'r, R: Row>(row: &'r R, name: &'static str) -> Result<u64, sqlx::Error>
where
    &'static str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    let value: i64 = row.try_get(name)?;
    u64::try_from(value).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn unreadable(what: impl std::fmt::Display) -> sqlx::Error {
    sqlx::Error::Decode(what.to_string().into())
}

/// A macro: generic, each would name the types that a database can decode. `$body` is an event's bytes.
macro_rules! from_row {
    ($row:ty, $body:ty) => {
        impl FromRow<'_, $row> for Stored {
            fn from_row(row: &$row) -> Result<Self, sqlx::Error> {
                let leaf_hash: &[u8] = row.try_get("leaf_hash")?;
                Ok(Self {
                    position: Position(quantity(row, "position")?),
                    leaf_hash: Hash::try_from(leaf_hash).map_err(unreadable)?,
                    body: row.try_get("body")?,
                })
            }
        }

        impl FromRow<'_, $row> for LastEvent {
            fn from_row(row: &$row) -> Result<Self, sqlx::Error> {
                Ok(Self {
                    position: row.try_get("position")?,
                    body: row.try_get("body")?,
                    first: row.try_get("first")?,
                    decisive: row.try_get("decisive")?,
                })
            }
        }

        impl FromRow<'_, $row> for StreamHead {
            fn from_row(row: &$row) -> Result<Self, sqlx::Error> {
                let name: &str = row.try_get("name")?;
                let stage: Option<&str> = row.try_get("next_stage")?;
                let due: Option<i64> = row.try_get("due_at_us")?;
                let status: Option<String> = row.try_get("status")?;
                let partition: Option<&str> = row.try_get("partition")?;
                let stage = stage.map(str::parse::<StageName>).transpose().map_err(unreadable)?;
                let not_before = due.map(Timestamp::from_microsecond).transpose().map_err(unreadable)?;
                Ok(Self {
                    stream: name.parse::<StreamName>().map_err(unreadable)?,
                    first_position: Position(quantity(row, "first_position")?),
                    position: Position(quantity(row, "position")?),
                    version: Version(quantity(row, "version")?),
                    next: stage.map(|stage| Next { stage, not_before }),
                    status: status.map(Status::from),
                    partition: partition.map(str::parse::<Partition>).transpose().map_err(unreadable)?,
                })
            }
        }

        impl FromRow<'_, $row> for StageBacklog {
            fn from_row(row: &$row) -> Result<Self, sqlx::Error> {
                let stage: &str = row.try_get("next_stage")?;
                let due: Option<i64> = row.try_get("first_due_at_us")?;
                Ok(Self {
                    stage: stage.parse().map_err(unreadable)?,
                    at_once: quantity(row, "at_once")?,
                    delayed: quantity(row, "delayed")?,
                    first_due_at: due.map(Timestamp::from_microsecond).transpose().map_err(unreadable)?,
                })
            }
        }

        impl FromRow<'_, $row> for RawRow {
            fn from_row(row: &$row) -> Result<Self, sqlx::Error> {
                let place = |name| {
                    Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(name)?.map(|at| Position(at.unsigned_abs())))
                };
                let projected: Option<String> = row.try_get("name")?;
                let body: $body = row.try_get("body")?;
                Ok(Self {
                    position: place("at")?.unwrap_or_default(),
                    stream: row.try_get("stream")?,
                    version: row.try_get("event_version")?,
                    id: row.try_get("id")?,
                    type_name: row.try_get("type")?,
                    time_us: row.try_get("time_us")?,
                    body: body.into(),
                    leaf_hash: row.try_get("leaf_hash")?,
                    previous: place("previous")?,
                    is_last: row.try_get("is_last")?,
                    first: place("first")?,
                    decisive: row.try_get("decisive")?,
                    head: projected.map(|_| StreamHead::from_row(row).map_err(|error| error.to_string())),
                })
            }
        }
    };
}

from_row!(SqliteRow, Vec<u8>);
from_row!(PgRow, String);
