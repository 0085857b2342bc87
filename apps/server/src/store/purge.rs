//! Purges: their proposals, approvals, refusals and deletions.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use strongroom_model::wire::{PurgeProposal, PurgeState, PurgeSummary};
use strongroom_model::{BookingId, ByteCount};

use super::booking::{stored_size, taken_size};
use super::columns::columns;
use super::{Connection, Result, Sql, Store, from_us, list, query, to_us};
use crate::token::Token;

/// A proposed purge, without the bookings that it names.
#[derive(Debug, Clone)]
pub(crate) struct Purge {
    pub(crate) id: String,
    pub(crate) proposed_by: String,
    pub(crate) token: String,
    pub(crate) token_name: String,
    pub(crate) proposed_at: Timestamp,
    pub(crate) reason: Option<String>,
    pub(crate) items: u64,
    pub(crate) size: ByteCount,
    pub(crate) approval: Option<Approval>,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) purged: u64,
    pub(crate) purged_size: ByteCount,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Approval {
    pub(crate) by: String,
    pub(crate) token: String,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) by: String,
    pub(crate) reason: String,
    pub(crate) at: Timestamp,
}

/// A file that a purge deleted.
#[derive(Debug, Clone)]
pub(crate) struct Deletion {
    pub(crate) booking: String,
    pub(crate) purge: String,
    /// An earlier version did not record it.
    pub(crate) at: Option<Timestamp>,
    pub(crate) proposed_by: String,
    pub(crate) approved_by: String,
}

/// `SELECT` with all columns of a [`Purge`].
macro_rules! select_purge {
    ($tail:literal) => {
        concat!(
            "SELECT proposal.id, proposal.proposed_by, proposal.token, token_name, proposed_at_us, ",
            "proposal.reason, items, proposal.size_bytes, approved_by, purge.token AS approval_token, ",
            "requested_at_us, refused_by, refusal.reason AS refusal_reason, refused_at_us, ",
            "(SELECT count(*) FROM deletion WHERE deletion.purge = proposal.id) AS purged, ",
            "(SELECT CAST(coalesce(sum(size_bytes), 0) AS bigint) FROM deletion WHERE deletion.purge = proposal.id) ",
            "AS purged_bytes FROM proposal LEFT JOIN purge ON purge.id = proposal.id ",
            "LEFT JOIN refusal ON refusal.purge = proposal.id ",
            $tail
        )
    };
}

const PAGE: Sql = Sql::Each {
    sqlite: select_purge!(
        "WHERE (proposed_at_us, proposal.id) < ($1, $2) ORDER BY proposed_at_us DESC, proposal.id DESC LIMIT $3"
    ),
    postgres: select_purge!(
        "WHERE (proposed_at_us, proposal.id COLLATE \"C\") < ($1, $2) \
         ORDER BY proposed_at_us DESC, proposal.id COLLATE \"C\" DESC LIMIT $3"
    ),
};
const SIZES: Sql = Sql::Each {
    sqlite: "SELECT coalesce(sum(size_bytes), 0) FROM booking WHERE id IN (SELECT value FROM json_each($1))",
    postgres: "SELECT CAST(coalesce(sum(size_bytes), 0) AS bigint) FROM booking WHERE id = ANY($1)",
};
const DELETIONS: Sql = Sql::Each {
    sqlite: "SELECT booking, purge, deleted_at_us, proposed_by, approved_by FROM deletion \
             JOIN purge ON purge.id = deletion.purge WHERE booking IN (SELECT value FROM json_each($1))",
    postgres: "SELECT booking, purge, deleted_at_us, proposed_by, approved_by FROM deletion \
               JOIN purge ON purge.id = deletion.purge WHERE booking = ANY($1)",
};

impl Store {
    pub(crate) async fn purge(&self, id: &str) -> Result<Option<Purge>> {
        get(&mut self.reader().await?, id).await
    }

    /// The bookings that a purge names, in the proposal's order.
    pub(crate) async fn purge_bookings(&self, id: &str) -> Result<Vec<String>> {
        bookings(&mut self.reader().await?, id).await
    }

    /// The newest purges before that time and id.
    pub(crate) async fn purges(&self, before: Option<(Timestamp, &str)>, limit: u32) -> Result<Vec<Purge>> {
        let (time, id) = before.map_or((i64::MAX, ""), |(time, id)| (to_us(time), id));
        query(PAGE).bind(time).bind(id).bind(limit).fetch_all(&mut self.reader().await?).await
    }

    /// The deletions of each booking.
    pub(crate) async fn deletions(&self, ids: &[BookingId]) -> Result<HashMap<String, Vec<Deletion>>> {
        let rows: Vec<Deletion> = query(DELETIONS).bind(list(ids)).fetch_all(&mut self.reader().await?).await?;
        let mut deletions: HashMap<String, Vec<Deletion>> = HashMap::new();
        for deletion in rows {
            deletions.entry(deletion.booking.clone()).or_default().push(deletion);
        }
        Ok(deletions)
    }
}

impl Purge {
    /// How far it is.
    pub(crate) fn state(&self) -> PurgeState {
        match (self.purged, &self.refusal, &self.approval) {
            (_, Some(_), _) => PurgeState::Refused,
            (0, None, None) => PurgeState::Proposed,
            (0, None, Some(_)) => PurgeState::Approved,
            (purged, None, _) if purged < self.items => PurgeState::RunPartly,
            (_, None, _) => PurgeState::Run,
        }
    }

    /// `valid_for`: how long an approval is valid.
    pub(crate) fn summary(self, valid_for: SignedDuration) -> PurgeSummary {
        let approved_at = self.approval.as_ref().map(|approval| approval.at);
        PurgeSummary {
            state: self.state(),
            purge: self.id,
            proposed_by: self.proposed_by,
            proposed_at: self.proposed_at,
            reason: self.reason,
            approved_by: self.approval.map(|approval| approval.by),
            approved_at,
            valid_until: approved_at.and_then(|at| at.checked_add(valid_for).ok()),
            refused_by: self.refusal.as_ref().map(|refusal| refusal.by.clone()),
            refused_at: self.refusal.as_ref().map(|refusal| refusal.at),
            refusal_reason: self.refusal.map(|refusal| refusal.reason),
            bookings: self.items,
            size_bytes: self.size.0,
            purged: self.purged,
            purged_bytes: self.purged_size.0,
        }
    }
}

/// Records a proposal, unless its id is taken; returns the recorded one, and whether it is new.
pub(crate) async fn propose(
    db: &mut Connection,
    proposal: &PurgeProposal,
    token: &Token,
    now: Timestamp,
) -> Result<Option<(Purge, bool)>> {
    let distinct: HashSet<&String> = proposal.ids.iter().collect();
    let named: Vec<BookingId> = distinct.iter().filter_map(|id| id.parse().ok()).collect();
    let (size_bytes,): (i64,) = query(SIZES).bind(list(&named)).fetch_one(db).await?;
    let inserted = query(
        "INSERT INTO proposal (id, proposed_by, token, token_name, proposed_at_us, bookings, reason, items, size_bytes) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
    )
    .bind(proposal.purge.as_str())
    .bind(proposal.proposed_by.as_str())
    .bind(token.id.as_str())
    .bind(token.name.as_str())
    .bind(to_us(now))
    .bind(serde_json::to_string(&proposal.ids).expect("texts can be written as JSON"))
    .bind(proposal.reason.clone())
    .bind(i64::try_from(distinct.len()).unwrap_or(i64::MAX))
    .bind(size_bytes)
    .execute(db)
    .await?;
    Ok(get(db, &proposal.purge).await?.map(|kept| (kept, inserted == 1)))
}

/// Records an approval, unless there is one.
pub(crate) async fn approve(
    db: &mut Connection,
    purge: &Purge,
    approved_by: &str,
    token: &Token,
    now: Timestamp,
) -> Result<()> {
    query(
        "INSERT INTO purge (id, proposed_by, approved_by, token, requested_at_us) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT DO NOTHING",
    )
    .bind(purge.id.as_str())
    .bind(purge.proposed_by.as_str())
    .bind(approved_by)
    .bind(token.id.as_str())
    .bind(to_us(now))
    .execute(db)
    .await?;
    Ok(())
}

/// Records a refusal, unless there is one.
pub(crate) async fn refuse(
    db: &mut Connection,
    purge: &str,
    refused_by: &str,
    reason: &str,
    token: &Token,
    now: Timestamp,
) -> Result<()> {
    query(
        "INSERT INTO refusal (purge, refused_by, token, reason, refused_at_us) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT DO NOTHING",
    )
    .bind(purge)
    .bind(refused_by)
    .bind(token.id.as_str())
    .bind(reason)
    .bind(to_us(now))
    .execute(db)
    .await?;
    Ok(())
}

/// Records that a purge deleted a booking's file.
pub(crate) async fn deleted(
    db: &mut Connection,
    purge: &str,
    booking: &BookingId,
    size: ByteCount,
    at: Timestamp,
) -> Result<()> {
    query(
        "INSERT INTO deletion (purge, booking, size_bytes, deleted_at_us) VALUES ($1, $2, $3, $4) \
         ON CONFLICT DO NOTHING",
    )
    .bind(purge)
    .bind(booking.as_str())
    .bind(stored_size(size))
    .bind(to_us(at))
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn get(db: &mut Connection, id: &str) -> Result<Option<Purge>> {
    query(select_purge!("WHERE proposal.id = $1")).bind(id).fetch_optional(db).await
}

pub(crate) async fn bookings(db: &mut Connection, id: &str) -> Result<Vec<String>> {
    let row = query("SELECT bookings FROM proposal WHERE id = $1").bind(id).fetch_optional(db).await?;
    let Some((bookings,)): Option<(String,)> = row else { return Ok(Vec::new()) };
    Ok(serde_json::from_str(&bookings).map_err(|error| sqlx::Error::Decode(error.into()))?)
}

columns! {
    struct PurgeColumns for Purge {
        id: String,
        proposed_by: String,
        token: String,
        token_name: String,
        proposed_at_us: i64,
        reason: Option<String>,
        items: i64,
        size_bytes: i64,
        approved_by: Option<String>,
        approval_token: Option<String>,
        requested_at_us: Option<i64>,
        refused_by: Option<String>,
        refusal_reason: Option<String>,
        refused_at_us: Option<i64>,
        purged: i64,
        purged_bytes: i64,
    }
}

impl TryFrom<PurgeColumns> for Purge {
    type Error = sqlx::Error;

    fn try_from(row: PurgeColumns) -> sqlx::Result<Self> {
        let approval = match (row.approved_by, row.approval_token, row.requested_at_us) {
            (Some(by), Some(token), Some(at_us)) => Some(Approval { by, token, at: from_us(at_us)? }),
            _ => None,
        };
        let refusal = match (row.refused_by, row.refusal_reason, row.refused_at_us) {
            (Some(by), Some(reason), Some(at_us)) => Some(Refusal { by, reason, at: from_us(at_us)? }),
            _ => None,
        };
        Ok(Self {
            id: row.id,
            proposed_by: row.proposed_by,
            token: row.token,
            token_name: row.token_name,
            proposed_at: from_us(row.proposed_at_us)?,
            reason: row.reason,
            items: u64::try_from(row.items).unwrap_or_default(),
            size: taken_size(row.size_bytes),
            approval,
            refusal,
            purged: u64::try_from(row.purged).unwrap_or_default(),
            purged_size: taken_size(row.purged_bytes),
        })
    }
}

columns! {
    struct DeletionColumns for Deletion {
        booking: String,
        purge: String,
        deleted_at_us: Option<i64>,
        proposed_by: String,
        approved_by: String,
    }
}

impl TryFrom<DeletionColumns> for Deletion {
    type Error = sqlx::Error;

    fn try_from(row: DeletionColumns) -> sqlx::Result<Self> {
        Ok(Self {
            booking: row.booking,
            purge: row.purge,
            at: row.deleted_at_us.map(from_us).transpose()?,
            proposed_by: row.proposed_by,
            approved_by: row.approved_by,
        })
    }
}
