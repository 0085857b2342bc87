//! Values on their way into SQLite's columns, and back.

use jiff::Timestamp;
use sqlx::{FromRow, Row as _, sqlite::SqliteRow};
use strongroom_model::{Next, Position, StageName, StreamName, Version};

use crate::merkle::Hash;
use crate::stored::Stored;
use crate::stream_head::{Standing, StreamHead};

/// The names as one bound value, for `IN (SELECT value FROM json_each(?))`.
pub(super) fn json_list<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    serde_json::to_string(&values).expect("a list of strings is JSON")
}

fn quantity(row: &SqliteRow, name: &str) -> Result<u64, sqlx::Error> {
    let value: i64 = row.try_get(name)?;
    u64::try_from(value).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn unreadable(what: impl std::fmt::Display) -> sqlx::Error {
    sqlx::Error::Decode(what.to_string().into())
}

impl FromRow<'_, SqliteRow> for Stored {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let leaf_hash: &[u8] = row.try_get("leaf_hash")?;
        Ok(Self {
            position: Position(quantity(row, "position")?),
            leaf_hash: Hash::try_from(leaf_hash).map_err(unreadable)?,
            body: row.try_get("body")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for StreamHead {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let name: &str = row.try_get("name")?;
        let stage: Option<&str> = row.try_get("next_stage")?;
        let due: Option<i64> = row.try_get("due_at_us")?;
        let standing: Option<&str> = row.try_get("standing")?;
        let stage = stage.map(str::parse::<StageName>).transpose().map_err(unreadable)?;
        let not_before = due.map(Timestamp::from_microsecond).transpose().map_err(unreadable)?;
        Ok(Self {
            stream: name.parse::<StreamName>().map_err(unreadable)?,
            first_position: Position(quantity(row, "first_position")?),
            position: Position(quantity(row, "position")?),
            version: Version(quantity(row, "version")?),
            next: stage.map(|stage| Next { stage, not_before }),
            standing: standing
                .map(|name| Standing::from_name(name).ok_or_else(|| unreadable("an unknown standing")))
                .transpose()?,
        })
    }
}
