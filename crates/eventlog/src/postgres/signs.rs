//! Signs of life, in their own table.

use jiff::SignedDuration;
use uuid::Uuid;

use super::PostgresLog;
use super::place::timely;
use super::read::settle;
use crate::error::LogError;
use crate::reading::limit;
use crate::signs::{Kept, MAX_SIGNS};

impl PostgresLog {
    pub(crate) async fn keep_sign(&self, process: Uuid, text: &str) -> Result<(), LogError> {
        let query = sqlx::query("SELECT give_sign($1, $2, $3)").bind(self.site.as_str()).bind(process).bind(text);
        let mut lease = self.lease().await?;
        let kept = timely(query.execute(&mut *lease)).await;
        settle(lease, kept).map(drop)
    }

    /// Aged by the server's clock: hosts' clocks differ.
    pub(crate) async fn kept_signs(&self) -> Result<Vec<Kept>, LogError> {
        let query = sqlx::query_as(
            "SELECT process, (extract(epoch FROM clock_timestamp() - seen_at) * 1000)::bigint, body FROM sign
             WHERE site = $1 ORDER BY seen_at DESC LIMIT $2",
        );
        let kept: Vec<(Uuid, i64, String)> = self.all(query.bind(self.site.as_str()).bind(limit(MAX_SIGNS))).await?;
        Ok(kept
            .into_iter()
            .map(|(process, age_ms, text)| Kept { process, age: SignedDuration::from_millis(age_ms), text })
            .collect())
    }
}
