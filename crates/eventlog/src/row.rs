//! Values from either database's columns.

use jiff::Timestamp;
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use strongroom_model::{Next, Partition, Position, StageName, Status, StreamName, Version};

use crate::backlog::StageBacklog;
use crate::merkle::Hash;
use crate::projection::LastEvent;
use crate::stored::Stored;
use crate::stream_head::StreamHead;

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

impl<'r, R: Row> FromRow<'r, R> for Stored
where
    &'static str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    &'r [u8]: Decode<'r, R::Database> + Type<R::Database>,
    String: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let leaf_hash: &[u8] = row.try_get("leaf_hash")?;
        Ok(Self {
            position: Position(quantity(row, "position")?),
            leaf_hash: Hash::try_from(leaf_hash).map_err(unreadable)?,
            body: row.try_get("body")?,
        })
    }
}

impl<'r, R: Row> FromRow<'r, R> for LastEvent
where
    &'static str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    String: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            position: row.try_get("position")?,
            body: row.try_get("body")?,
            first: row.try_get("first")?,
            decisive: row.try_get("decisive")?,
        })
    }
}

impl<'r, R: Row> FromRow<'r, R> for StreamHead
where
    &'static str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    &'r str: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let name: &str = row.try_get("name")?;
        let stage: Option<&str> = row.try_get("next_stage")?;
        let due: Option<i64> = row.try_get("due_at_us")?;
        let status: Option<&str> = row.try_get("status")?;
        let partition: Option<&str> = row.try_get("partition")?;
        let stage = stage.map(str::parse::<StageName>).transpose().map_err(unreadable)?;
        let not_before = due.map(Timestamp::from_microsecond).transpose().map_err(unreadable)?;
        Ok(Self {
            stream: name.parse::<StreamName>().map_err(unreadable)?,
            first_position: Position(quantity(row, "first_position")?),
            position: Position(quantity(row, "position")?),
            version: Version(quantity(row, "version")?),
            next: stage.map(|stage| Next { stage, not_before }),
            status: status.map(|label| Status::from(label.to_owned())),
            partition: partition.map(str::parse::<Partition>).transpose().map_err(unreadable)?,
        })
    }
}

impl<'r, R: Row> FromRow<'r, R> for StageBacklog
where
    &'static str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    &'r str: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
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
