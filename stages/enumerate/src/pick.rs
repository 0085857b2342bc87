//! Decides on each record that the server lists. Pure.

use std::collections::{HashMap, HashSet};

use strongroom_eventlog::StreamHead;
use strongroom_model::event::{Enumerated, Event, Failed, Rejected};
use strongroom_model::{BookingId, BookingStatus, Expected, Position, StageName, StreamName};
use strongroom_source::{Offer, Page, Unusable};

/// Unusable records that a run notes on their bookings: they share an append with those taken, which is bounded. Later
/// runs note the rest.
const MAX_NOTED: usize = 500;
const MAX_REJECTED: usize = 50;
pub(crate) const MAX_FORGOTTEN_NAMED: usize = 20;

#[derive(Debug, PartialEq)]
pub(crate) struct Note {
    pub(crate) stream: StreamName,
    pub(crate) expected: Expected,
    pub(crate) event: Event,
}

#[derive(Debug, Default)]
pub(crate) struct Pick {
    /// How many the run may take.
    oldest: usize,
    /// The server's count, from the last page.
    pub(crate) waiting: u64,
    /// Records considered.
    pub(crate) listed: u64,
    pub(crate) taken: Vec<Note>,
    /// Bookings with an unusable record, not noted before.
    pub(crate) noted: Vec<Note>,
    /// Claimed, or in need of a person.
    pub(crate) claimed: u64,
    /// Bookings that the log has as archived.
    pub(crate) forgotten: u64,
    pub(crate) forgotten_ids: Vec<BookingId>,
    pub(crate) unusable: u64,
    pub(crate) rejected: Vec<Rejected>,
    seen: HashSet<BookingId>,
}

impl Pick {
    pub(crate) fn new(oldest: u32) -> Self {
        Self { oldest: oldest as usize, ..Self::default() }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.taken.len() >= self.oldest
    }

    /// Whether all its bookings were on earlier pages.
    pub(crate) fn has_seen(&self, page: &Page) -> bool {
        let mut ids = page.records.iter().filter_map(|record| match record {
            Ok(offer) => Some(&offer.id),
            Err(unusable) => unusable.id.as_ref(),
        });
        let first = ids.next();
        first.is_some_and(|first| self.seen.contains(first) && ids.all(|id| self.seen.contains(id)))
    }

    /// Reports a cycle of pages once, for the whole list.
    pub(crate) fn note_circle(&mut self) {
        let reason = "its pages come round: a page or a cursor that was given before is given again, and what lies \
                      behind it cannot be reached";
        self.reject("(the list)".to_owned(), reason.to_owned());
    }

    /// Considers a page until enough is taken. `heads` has the log's state of [`bookings_of`] the page, `asked_at` the
    /// log's size before the page was requested.
    pub(crate) fn look(&mut self, page: Page, heads: &HashMap<StreamName, StreamHead>, asked_at: Position) {
        self.waiting = page.waiting;
        for record in page.records {
            if self.is_full() {
                return;
            }
            self.listed += 1;
            match record {
                Ok(offer) => self.offer(offer, heads, asked_at),
                Err(unusable) => self.unusable(unusable, heads),
            }
        }
    }

    fn offer(&mut self, Offer { id, record }: Offer, heads: &HashMap<StreamName, StreamHead>, asked_at: Position) {
        if !self.seen.insert(id.clone()) {
            return self.reject(id.to_string(), "it is listed more than once: the first record counts".to_owned());
        }
        let stream = StreamName::booking(&id);
        match whereabouts(heads.get(&stream), asked_at) {
            Whereabouts::Free(expected) => self.take(stream, expected, record),
            Whereabouts::Claimed => self.claimed += 1,
            Whereabouts::Forgotten => {
                self.forgotten += 1;
                if self.forgotten_ids.len() < MAX_FORGOTTEN_NAMED {
                    self.forgotten_ids.push(id);
                }
            }
        }
    }

    fn take(&mut self, stream: StreamName, expected: Expected, record: Enumerated) {
        self.taken.push(Note { stream, expected, event: Event::TimesheetEnumerated(record) });
    }

    /// Noted once on its booking, which then needs a person and holds up no other.
    fn unusable(&mut self, record: Unusable, heads: &HashMap<StreamName, StreamHead>) {
        let Some(id) = record.id.clone() else { return self.reject(record.shown, record.reason) };
        if !self.seen.insert(id.clone()) {
            return self.reject(record.shown, record.reason);
        }
        let stream = StreamName::booking(&id);
        // The log's position does not matter: nothing here is archived.
        let Whereabouts::Free(expected) = whereabouts(heads.get(&stream), Position(0)) else {
            self.claimed += 1;
            return;
        };
        if self.noted.len() < MAX_NOTED {
            let event = Event::TimesheetFailed(failed(&record));
            self.noted.push(Note { stream, expected, event });
        }
        self.reject(record.shown, record.reason);
    }

    fn reject(&mut self, booking: String, reason: String) {
        self.unusable += 1;
        if self.rejected.len() < MAX_REJECTED {
            self.rejected.push(Rejected { booking, reason });
        }
    }
}

pub(crate) fn bookings_of(page: &Page) -> Vec<StreamName> {
    let id = |record: &Result<Offer, Unusable>| match record {
        Ok(offer) => Some(StreamName::booking(&offer.id)),
        Err(unusable) => unusable.id.as_ref().map(StreamName::booking),
    };
    page.records.iter().filter_map(id).collect()
}

enum Whereabouts {
    /// To be appended after this.
    Free(Expected),
    /// An earlier run took it, or it needs a person.
    Claimed,
    /// Archived before the server offered it: the server has forgotten that.
    Forgotten,
}

/// A booking that was archived only after its page was requested is not forgotten: the page shows the state before.
fn whereabouts(head: Option<&StreamHead>, asked_at: Position) -> Whereabouts {
    let Some(head) = head else { return Whereabouts::Free(Expected::New) };
    match head.status.as_ref().and_then(|status| BookingStatus::from_label(status.as_str())) {
        Some(BookingStatus::GivenBack) => Whereabouts::Free(Expected::After(head.version)),
        Some(BookingStatus::Archived | BookingStatus::Purged) if head.position < asked_at => Whereabouts::Forgotten,
        _ => Whereabouts::Claimed,
    }
}

fn failed(record: &Unusable) -> Failed {
    Failed {
        stage: StageName::Enumerate,
        kind: record.kind,
        message: format!("the server's record of {} cannot be used: {}", record.shown, record.reason),
        attempt: 1,
        retry_at: None,
        digest: None,
        next_step: None,
        quarantined: None,
        reached: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
