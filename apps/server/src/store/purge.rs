//! Purges: their proposals and approvals.

use jiff::Timestamp;
use strongroom_model::wire::PurgeProposal;

use super::columns::columns;
use super::{Connection, Result, Store, from_us, query, to_us};
use crate::token::Token;

#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    pub(crate) id: String,
    pub(crate) proposed_by: String,
    pub(crate) token: String,
    pub(crate) token_name: String,
    pub(crate) proposed_at: Timestamp,
    pub(crate) bookings: Vec<String>,
}

impl Store {
    /// A proposed purge, and its approver, if any.
    pub(crate) async fn purge(&self, id: &str) -> Result<Option<(Proposal, Option<String>)>> {
        let mut db = self.reader().await?;
        let Some(proposal) = get(&mut db, id).await? else { return Ok(None) };
        Ok(Some((proposal, approver(&mut db, id).await?)))
    }
}

/// Records a proposal, unless its id is taken; returns the recorded one, and whether it is new.
pub(crate) async fn propose(
    db: &mut Connection,
    proposal: &PurgeProposal,
    token: &Token,
    now: Timestamp,
) -> Result<Option<(Proposal, bool)>> {
    let inserted = query(
        "INSERT INTO proposal (id, proposed_by, token, token_name, proposed_at_us, bookings) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(proposal.purge.as_str())
    .bind(proposal.proposed_by.as_str())
    .bind(token.id.as_str())
    .bind(token.name.as_str())
    .bind(to_us(now))
    .bind(serde_json::to_string(&proposal.ids).expect("texts can be written as JSON"))
    .execute(db)
    .await?;
    Ok(get(db, &proposal.purge).await?.map(|kept| (kept, inserted == 1)))
}

/// Records an approval, unless there is one; returns the first approver.
pub(crate) async fn approve(
    db: &mut Connection,
    proposal: &Proposal,
    approved_by: &str,
    token: &Token,
    now: Timestamp,
) -> Result<Option<String>> {
    query(
        "INSERT INTO purge (id, proposed_by, approved_by, token, requested_at_us) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT DO NOTHING",
    )
    .bind(proposal.id.as_str())
    .bind(proposal.proposed_by.as_str())
    .bind(approved_by)
    .bind(token.id.as_str())
    .bind(to_us(now))
    .execute(db)
    .await?;
    approver(db, &proposal.id).await
}

async fn get(db: &mut Connection, id: &str) -> Result<Option<Proposal>> {
    query("SELECT * FROM proposal WHERE id = $1").bind(id).fetch_optional(db).await
}

async fn approver(db: &mut Connection, id: &str) -> Result<Option<String>> {
    let row = query("SELECT approved_by FROM purge WHERE id = $1").bind(id).fetch_optional(db).await?;
    Ok(row.map(|(approved_by,): (String,)| approved_by))
}

columns! {
    struct PurgeColumns for Proposal {
        id: String,
        proposed_by: String,
        token: String,
        token_name: String,
        proposed_at_us: i64,
        bookings: String,
    }
}

impl TryFrom<PurgeColumns> for Proposal {
    type Error = sqlx::Error;

    fn try_from(row: PurgeColumns) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id,
            proposed_by: row.proposed_by,
            token: row.token,
            token_name: row.token_name,
            proposed_at: from_us(row.proposed_at_us)?,
            bookings: serde_json::from_str(&row.bookings).map_err(|error| sqlx::Error::Decode(error.into()))?,
        })
    }
}
