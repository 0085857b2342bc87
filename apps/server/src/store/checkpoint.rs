//! The largest checkpoint that each of the site's keys signed, and whether the log was forked.

use std::collections::HashSet;

use jiff::Timestamp;
use strongroom_proof::SignedCheckpoint;

use super::columns::columns;
use super::proof::{stored_count, taken_count};
use super::{Connection, Result, Store, query, to_us};

#[derive(Debug, Clone)]
pub(crate) struct SeenCheckpoint {
    pub(crate) size: u64,
    pub(crate) note: String,
    /// A checkpoint of the same size with another root, by the same key.
    pub(crate) fork: Option<String>,
}

impl Store {
    /// The keys that signed two logs.
    pub(crate) async fn forked_keys(&self) -> Result<HashSet<String>> {
        let rows: Vec<(String,)> = query("SELECT site_key FROM checkpoint WHERE fork IS NOT NULL")
            .fetch_all(&mut self.reader().await?)
            .await?;
        Ok(rows.into_iter().map(|(key,)| key).collect())
    }
}

pub(crate) async fn get(db: &mut Connection, site_key: &str) -> Result<Option<SeenCheckpoint>> {
    query("SELECT size, note, fork FROM checkpoint WHERE site_key = $1").bind(site_key).fetch_optional(db).await
}

/// Replaces a smaller one.
pub(crate) async fn keep(
    db: &mut Connection,
    site_key: &str,
    checkpoint: &SignedCheckpoint,
    now: Timestamp,
) -> Result<()> {
    query(
        "INSERT INTO checkpoint (site_key, size, note, seen_at_us) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (site_key) DO UPDATE SET size = excluded.size, note = excluded.note, \
         seen_at_us = excluded.seen_at_us WHERE checkpoint.size < excluded.size",
    )
    .bind(site_key)
    .bind(stored_count(checkpoint.checkpoint().head.size))
    .bind(checkpoint.to_string())
    .bind(to_us(now))
    .execute(db)
    .await?;
    Ok(())
}

/// Records that the key signed another log: it proves nothing from then on.
pub(crate) async fn forked(db: &mut Connection, site_key: &str, other: &SignedCheckpoint) -> Result<()> {
    query("UPDATE checkpoint SET fork = $2 WHERE site_key = $1 AND fork IS NULL")
        .bind(site_key)
        .bind(other.to_string())
        .execute(db)
        .await?;
    Ok(())
}

columns! {
    struct CheckpointColumns for SeenCheckpoint {
        size: i64,
        note: String,
        fork: Option<String>,
    }
}

impl TryFrom<CheckpointColumns> for SeenCheckpoint {
    type Error = sqlx::Error;

    fn try_from(row: CheckpointColumns) -> sqlx::Result<Self> {
        Ok(Self { size: taken_count(row.size), note: row.note, fork: row.fork })
    }
}
