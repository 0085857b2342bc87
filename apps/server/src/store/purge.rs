//! Purges and who approved them.

use jiff::Timestamp;
use sqlx::FromRow;
use strongroom_model::wire::PurgeRequest;

use super::{Connection, Result, query, to_us};

/// A purge as it was first asked for.
#[derive(Debug, FromRow)]
pub(crate) struct Purge {
    pub(crate) proposed_by: String,
    pub(crate) approved_by: String,
}

/// Records a purge, unless it is recorded; gives it as it was recorded first.
pub(crate) async fn keep(db: &mut Connection, purge: &PurgeRequest, token: &str, now: Timestamp) -> Result<Purge> {
    query(
        "INSERT INTO purge (id, proposed_by, approved_by, token, requested_at_us) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT DO NOTHING",
    )
    .bind(purge.purge.as_str())
    .bind(purge.proposed_by.as_str())
    .bind(purge.approved_by.as_str())
    .bind(token)
    .bind(to_us(now))
    .execute(db)
    .await?;
    let kept = query("SELECT proposed_by, approved_by FROM purge WHERE id = $1").bind(purge.purge.as_str());
    kept.fetch_one(db).await
}
