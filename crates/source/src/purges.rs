//! Purges: proposed, approved or refused by people, run by the pipeline.

use bytes::Bytes;
use serde::Serialize;
use strongroom_model::BookingId;
use strongroom_model::text::printable;
use strongroom_model::wire::{
    Answer, MAX_ITEMS, MAX_LIST, PurgeApproval, PurgeInfo, PurgeItem, PurgePage, PurgeProposal, PurgeRefusal, PurgeRun,
    PurgeSummary,
};

use crate::cause::{Cause, MAX_DETAIL_CHARS};
use crate::client::{OutgoingRequest, Source};
use crate::error::{About, SourceError};

const MAX_NAME_CHARS: usize = 100;
const MAX_REASON_CHARS: usize = 500;
const MAX_FILENAME_CHARS: usize = 4096;
const MAX_CURSOR_BYTES: usize = 256;

impl Source {
    /// Proposes a purge, with a token for that. Nothing is deleted.
    ///
    /// # Errors
    /// The server did not take it: another purge has the id, say.
    pub async fn propose_purge(&self, proposal: &PurgeProposal) -> Result<PurgeSummary, SourceError> {
        self.decide(&["v1", "purges"], &proposal.purge, proposal).await
    }

    /// Approves a purge, with another token than its proposer's. Nothing is deleted.
    ///
    /// # Errors
    /// The server did not take it: see its reason.
    pub async fn approve_purge(&self, purge: &str, approval: &PurgeApproval) -> Result<PurgeSummary, SourceError> {
        self.decide(&["v1", "purges", purge, "approval"], purge, approval).await
    }

    /// Refuses a purge: it can never run from then on.
    ///
    /// # Errors
    /// The server did not take it: see its reason.
    pub async fn refuse_purge(&self, purge: &str, refusal: &PurgeRefusal) -> Result<PurgeSummary, SourceError> {
        self.decide(&["v1", "purges", purge, "refusal"], purge, refusal).await
    }

    /// Has files of an approved purge deleted, each that is proven enough at that moment; one answer for each booking,
    /// in order.
    ///
    /// # Errors
    /// The server did not answer, or not for these bookings. Some may be deleted: repeating it is harmless.
    pub async fn run_purge(&self, purge: &str, bookings: &[BookingId]) -> Result<Vec<Answer>, SourceError> {
        let mut answers = Vec::with_capacity(bookings.len());
        for part in bookings.chunks(MAX_ITEMS) {
            let ids: Vec<&str> = part.iter().map(BookingId::as_str).collect();
            let run = PurgeRun { ids: ids.iter().map(|id| (*id).to_owned()).collect() };
            answers.extend(self.post(&["v1", "purges", purge, "run"], &run, &ids).await?);
        }
        Ok(answers)
    }

    /// A purge and a page of its bookings: `limit` of them, after the page before's `next`.
    ///
    /// # Errors
    /// There is no such purge, or the server did not answer so.
    pub async fn purge(&self, purge: &str, limit: u32, after: Option<&str>) -> Result<PurgeInfo, SourceError> {
        let path = ["v1", "purges", purge];
        let (limit, query) = page(limit, after);
        let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let ask = OutgoingRequest { query: &query, ..OutgoingRequest::get(About::Booking, &path) };
        let info: PurgeInfo = self.get_json(&ask).await?;
        let checked = checked_summary(info.summary, Some(purge)).and_then(|summary| {
            is_page(info.items.len(), limit, info.next.as_deref(), after)?;
            let items = info.items.into_iter().map(item).collect();
            Ok(PurgeInfo {
                summary,
                proofs_needed: info.proofs_needed,
                fresh_for_s: info.fresh_for_s,
                items,
                next: info.next,
            })
        });
        checked.map_err(|cause| self.request(&ask).failed(cause))
    }

    /// The purges, newest first: `limit` of them, after the page before's `next`.
    ///
    /// # Errors
    /// The server did not answer so.
    pub async fn purges(&self, limit: u32, after: Option<&str>) -> Result<PurgePage, SourceError> {
        let (limit, query) = page(limit, after);
        let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let ask = OutgoingRequest { query: &query, ..OutgoingRequest::get(About::Server, &["v1", "purges"]) };
        let found: PurgePage = self.get_json(&ask).await?;
        let checked = is_page(found.purges.len(), limit, found.next.as_deref(), after).and_then(|()| {
            let purges =
                found.purges.into_iter().map(|summary| checked_summary(summary, None)).collect::<Result<_, _>>()?;
            Ok(PurgePage { purges, next: found.next })
        });
        checked.map_err(|cause| self.request(&ask).failed(cause))
    }

    async fn decide(&self, path: &[&str], purge: &str, body: &impl Serialize) -> Result<PurgeSummary, SourceError> {
        let json = serde_json::to_vec(body).expect("a request has string keys and finite numbers only");
        let ask = OutgoingRequest { about: About::Booking, ..OutgoingRequest::post(path, Bytes::from(json)) };
        let summary = self.get_json(&ask).await?;
        checked_summary(summary, Some(purge)).map_err(|cause| self.request(&ask).failed(cause))
    }
}

fn page(limit: u32, after: Option<&str>) -> (u32, Vec<(&'static str, String)>) {
    let limit = limit.clamp(1, MAX_LIST);
    let mut query = vec![("limit", limit.to_string())];
    query.extend(after.map(|after| ("after", after.to_owned())));
    (limit, query)
}

fn is_page(found: usize, limit: u32, next: Option<&str>, after: Option<&str>) -> Result<(), Cause> {
    if found > limit as usize {
        return Err(Cause::confused(format!("it lists {found}, more than the {limit} that were asked for")));
    }
    if next.is_some_and(|next| next.is_empty() || next.len() > MAX_CURSOR_BYTES) {
        return Err(Cause::confused(format!("its cursor does not have 1 to {MAX_CURSOR_BYTES} bytes")));
    }
    if next.is_some() && next == after {
        return Err(Cause::confused("its next page would be the same page again"));
    }
    Ok(())
}

/// Requires the purge that was asked for, and makes a server's texts harmless to show.
fn checked_summary(mut summary: PurgeSummary, asked: Option<&str>) -> Result<PurgeSummary, Cause> {
    if let Some(asked) = asked.filter(|asked| *asked != summary.purge) {
        let (other, asked) = (printable(&summary.purge, 60), printable(asked, 60));
        return Err(Cause::confused(format!("it answers for the purge {other:?} where {asked} was named")));
    }
    if summary.purge.parse::<BookingId>().is_err() {
        return Err(Cause::confused(format!("{:?} is not a purge's id", printable(&summary.purge, 60))));
    }
    summary.proposed_by = printable(&summary.proposed_by, MAX_NAME_CHARS);
    for name in [&mut summary.approved_by, &mut summary.refused_by] {
        *name = name.take().map(|name| printable(&name, MAX_NAME_CHARS));
    }
    for reason in [&mut summary.reason, &mut summary.refusal_reason] {
        *reason = reason.take().map(|reason| printable(&reason, MAX_REASON_CHARS));
    }
    Ok(summary)
}

fn item(mut item: PurgeItem) -> PurgeItem {
    item.id = printable(&item.id, MAX_NAME_CHARS + 28);
    item.filename = item.filename.map(|name| printable(&name, MAX_FILENAME_CHARS));
    item.digest = item.digest.map(|digest| printable(&digest, 200));
    for evidence in &mut item.evidence {
        evidence.why_not = evidence.why_not.take().map(|why| printable(&why, MAX_DETAIL_CHARS));
    }
    if let Some(answer) = &mut item.answer {
        answer.id = printable(&answer.id, MAX_NAME_CHARS + 28);
        answer.reason = answer.reason.take().map(|reason| printable(&reason, MAX_REASON_CHARS));
        answer.path = answer.path.take().map(|path| printable(&path, MAX_FILENAME_CHARS));
    }
    item
}
