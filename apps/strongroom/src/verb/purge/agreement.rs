//! What people agreed on: kept by the document server, and brought into the log.
//!
//! The server decides, since it knows the tokens; the log records after it. If a verb stops between the two, the log
//! lacks what the server has. Every later verb that writes brings it in first, so that nothing is decided twice.

use strongroom_eventlog::{AppendError, EventLog};
use strongroom_model::event::{PurgeApproved, PurgeProposed, PurgeRefused};
use strongroom_model::fold::fold;
use strongroom_model::purge::Purge;
use strongroom_model::wire::{MAX_LIST, MAX_PURGE_ITEMS, PurgeItem, PurgeSummary};
use strongroom_model::{ByteCount, Event, Expected, NewEvent, PurgeId, StreamName, Version};
use strongroom_purge::ids_digest;
use strongroom_service::Clock;
use strongroom_service::actor::person;
use strongroom_source::Source;

use super::credential::refused;
use crate::cli_error::CliError;

/// How often an append is tried that another process was faster than.
const TRIES: u32 = 5;

/// A purge as the server has it.
#[derive(Debug)]
pub(super) struct Agreement {
    pub(super) summary: PurgeSummary,
    pub(super) items: Vec<PurgeItem>,
    /// On how many drives, and how long ago at most, the server wants proofs.
    pub(super) terms: (Option<u32>, Option<u64>),
}

impl Agreement {
    /// With a token of that scope.
    pub(super) async fn fetch(source: &Source, id: &PurgeId, scope: &str) -> Result<Self, CliError> {
        let (mut items, mut after): (Vec<PurgeItem>, Option<String>) = (Vec::new(), None);
        loop {
            let page = source.purge(id.as_str(), MAX_LIST, after.as_deref()).await;
            let page = page.map_err(|error| refused(&error, scope))?;
            items.extend(page.items);
            if items.len() > MAX_PURGE_ITEMS {
                return Err(CliError::new(format!(
                    "the document server names more than {MAX_PURGE_ITEMS} bookings for purge {id}"
                ))
                .next_step("see that source.url is the document server's own address, and compare versions"));
            }
            after = page.next;
            if after.is_none() {
                let terms = (page.proofs_needed, page.fresh_for_s);
                return Ok(Self { summary: page.summary, items, terms });
            }
        }
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.items.iter().map(|item| item.id.clone()).collect()
    }

    /// Appends what the log lacks of it; the purge as the log has it then.
    pub(super) async fn record(&self, log: &EventLog, id: &PurgeId) -> Result<(Purge, Version), CliError> {
        for _ in 0..TRIES {
            let (state, version) = in_log(log, id).await?;
            let missing = self.missing(&state, id)?;
            if missing.is_empty() {
                return Ok((state, version.unwrap_or(Version(0))));
            }
            let now = Clock::system().now();
            let mut expected = version.map_or(Expected::New, Expected::After);
            let mut events = Vec::with_capacity(missing.len());
            for event in missing {
                events.push(NewEvent::new(StreamName::purge(id), expected, now, person(), event));
                expected = Expected::After(expected.next());
            }
            match log.append(events).await {
                Ok(_) | Err(AppendError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(CliError::new(format!("other processes record purge {id} at the same time")).next_step("try again"))
    }

    /// What the server has of it and the log has not, in order.
    fn missing(&self, state: &Purge, id: &PurgeId) -> Result<Vec<Event>, CliError> {
        let (summary, ids_sha256) = (&self.summary, ids_digest(&self.ids()));
        let mut events = Vec::new();
        match &state.proposed {
            Some(known) if known.ids_sha256 != ids_sha256 => {
                return Err(CliError::new(format!(
                    "the document server names other bookings for purge {id} than the log says were proposed"
                ))
                .next_step("do not run it: find out who changed the server's records, and propose it anew"));
            }
            Some(_) => {}
            None => events.push(Event::PurgeProposed(PurgeProposed {
                bookings: self.items.len() as u64,
                ids_sha256,
                proposed_by: summary.proposed_by.clone(),
                size_bytes: ByteCount(summary.size_bytes),
            })),
        }
        let approval = summary.approved_by.clone().zip(summary.approved_at);
        if let Some((approved_by, approved_at)) = approval.filter(|_| state.approved.is_none() && !is_refused(state)) {
            events.push(Event::PurgeApproved(PurgeApproved { approved_at, approved_by }));
        }
        // While it is being executed, the stage meets the refusal itself, and ends.
        if let Some(refused_by) = summary.refused_by.clone().filter(|_| !is_refused(state) && !state.is_requested) {
            let reason = summary.refusal_reason.clone().unwrap_or_default();
            events.push(Event::PurgeRefused(PurgeRefused { reason, refused_by }));
        }
        Ok(events)
    }
}

const fn is_refused(state: &Purge) -> bool {
    state.refused.is_some()
}

/// A purge as the log has it, and its stream's version.
pub(super) async fn in_log(log: &EventLog, id: &PurgeId) -> Result<(Purge, Option<Version>), CliError> {
    let history = log.stream(&StreamName::purge(id)).await?;
    let state = fold::<Purge>(&history).map_err(|error| {
        CliError::new(format!("purge {id} cannot be understood: {error}")).next_step("strongroom log verify")
    })?;
    Ok((state, history.last().map(|last| last.version)))
}

#[cfg(test)]
mod tests {
    use strongroom_model::wire::PurgeState;

    use super::*;

    fn agreement(approved: bool, refused: bool) -> Agreement {
        let at = "2026-11-28T12:00:00Z".parse().unwrap();
        let item = |id: &str| PurgeItem {
            id: id.to_owned(),
            state: None,
            filename: None,
            size_bytes: None,
            digest: None,
            evidence: vec![],
            answer: None,
        };
        let summary = PurgeSummary {
            purge: "p-1".to_owned(),
            state: PurgeState::Proposed,
            proposed_by: "Ann".to_owned(),
            proposed_at: at,
            reason: None,
            approved_by: approved.then(|| "Bob".to_owned()),
            approved_at: approved.then_some(at),
            valid_until: None,
            refused_by: refused.then(|| "Cem".to_owned()),
            refused_at: refused.then_some(at),
            refusal_reason: refused.then(|| "too early".to_owned()),
            bookings: 2,
            size_bytes: 7,
            purged: 0,
            purged_bytes: 0,
        };
        Agreement { summary, items: vec![item("B-1"), item("B-2")], terms: (None, None) }
    }

    fn names(agreement: &Agreement, state: &Purge) -> Vec<String> {
        let events = agreement.missing(state, &"p-1".parse().unwrap()).unwrap();
        events.iter().map(|event| event.type_name().to_owned()).collect()
    }

    #[test]
    fn what_the_log_lacks_of_an_agreement_is_brought_in_and_nothing_twice() {
        let (proposed, approved, refused) =
            ("strongroom.purge.proposed.v1", "strongroom.purge.approved.v1", "strongroom.purge.refused.v1");
        let nothing = Purge::default();
        assert_eq!(names(&agreement(false, false), &nothing), [proposed]);
        assert_eq!(names(&agreement(true, false), &nothing), [proposed, approved]);
        assert_eq!(names(&agreement(true, true), &nothing), [proposed, approved, refused]);
        let known = PurgeProposed {
            bookings: 2,
            ids_sha256: ids_digest(&["B-1".to_owned(), "B-2".to_owned()]),
            proposed_by: "Ann".to_owned(),
            size_bytes: ByteCount(7),
        };
        let state = Purge { proposed: Some(known.clone()), ..Purge::default() };
        assert_eq!(names(&agreement(false, false), &state), [""; 0]);
        assert_eq!(names(&agreement(true, false), &state), [approved]);
        assert_eq!(names(&agreement(false, true), &state), [refused]);
        let running = Purge { is_requested: true, ..state };
        assert_eq!(names(&agreement(false, true), &running), [""; 0]);
        let other = Purge { proposed: Some(PurgeProposed { ids_sha256: "x".to_owned(), ..known }), ..Purge::default() };
        let error = agreement(true, false).missing(&other, &"p-1".parse().unwrap()).unwrap_err();
        assert!(error.sentence().contains("names other bookings for purge p-1"), "{error}");
    }
}
