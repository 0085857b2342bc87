//! What becomes of each record that the server lists. Pure: the log's word comes in.

use std::collections::{HashMap, HashSet};

use strongroom_eventlog::StreamHead;
use strongroom_model::event::{Enumerated, Event, Failed, Rejected};
use strongroom_model::{BookingId, BookingStatus, Expected, Position, StageName, StreamName};
use strongroom_source::{Offer, Page, Unusable};

/// How many records that cannot be used a run notes on their own bookings at most: the
/// append that they share with those taken must fit. The rest is noted by the next runs.
const MAX_NOTED: usize = 500;
/// How many refused records a run shows.
const MAX_REJECTED: usize = 50;
/// How many forgotten bookings an alarm names.
pub(crate) const MAX_FORGOTTEN_NAMED: usize = 20;

/// An event on a booking's stream, and what that stream must look like.
#[derive(Debug, PartialEq)]
pub(crate) struct Note {
    pub(crate) stream: StreamName,
    pub(crate) expected: Expected,
    pub(crate) event: Event,
}

/// What a run has picked so far.
#[derive(Debug, Default)]
pub(crate) struct Pick {
    /// How many it may take.
    oldest: usize,
    /// The server's own count, of the last page.
    pub(crate) waiting: u64,
    /// How many records were looked at.
    pub(crate) listed: u64,
    /// Bookings to take in hand.
    pub(crate) taken: Vec<Note>,
    /// Bookings whose record cannot be used, and that nobody was told of yet.
    pub(crate) noted: Vec<Note>,
    /// How many are in hand, or need a person.
    pub(crate) in_hand: u64,
    /// How many are archived by the log.
    pub(crate) forgotten: u64,
    /// The first of those.
    pub(crate) forgotten_ids: Vec<BookingId>,
    /// How many records cannot be used.
    pub(crate) unusable: u64,
    /// The first of those.
    pub(crate) rejected: Vec<Rejected>,
    seen: HashSet<BookingId>,
}

impl Pick {
    pub(crate) fn new(oldest: u32) -> Self {
        Self { oldest: oldest as usize, ..Self::default() }
    }

    /// Whether as many are taken as may be.
    pub(crate) fn is_full(&self) -> bool {
        self.taken.len() >= self.oldest
    }

    /// Whether every booking of a page stood on pages before it.
    pub(crate) fn has_seen(&self, page: &Page) -> bool {
        let mut ids = page.records.iter().filter_map(|record| match record {
            Ok(offer) => Some(&offer.id),
            Err(unusable) => unusable.id.as_ref(),
        });
        let first = ids.next();
        first.is_some_and(|first| self.seen.contains(first) && ids.all(|id| self.seen.contains(id)))
    }

    /// The server's pages lead back to one that was given before: said once, for the list as a whole.
    pub(crate) fn note_circle(&mut self) {
        let reason = "its pages come round: a page or a cursor that was given before is given again, and what lies \
                      behind it cannot be reached";
        self.reject("(the list)".to_owned(), reason.to_owned());
    }

    /// Looks at one page, up to where enough is taken. `heads`: where the bookings that
    /// [`bookings_of`] names stand in the log. `asked_at`: the log's size before the page
    /// was asked for.
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
            Whereabouts::InHand => self.in_hand += 1,
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

    /// A record that cannot be used. Where its booking is known, it is noted on the booking,
    /// once: from then on the booking needs a person, and keeps nobody else waiting.
    fn unusable(&mut self, record: Unusable, heads: &HashMap<StreamName, StreamHead>) {
        let Some(id) = record.id.clone() else { return self.reject(record.shown, record.reason) };
        if !self.seen.insert(id.clone()) {
            return self.reject(record.shown, record.reason);
        }
        let stream = StreamName::booking(&id);
        // Which position the log had does not matter here: nothing of this is archived.
        let Whereabouts::Free(expected) = whereabouts(heads.get(&stream), Position(0)) else {
            self.in_hand += 1;
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

/// Whose state must be known to look at a page.
pub(crate) fn bookings_of(page: &Page) -> Vec<StreamName> {
    let id = |record: &Result<Offer, Unusable>| match record {
        Ok(offer) => Some(StreamName::booking(&offer.id)),
        Err(unusable) => unusable.id.as_ref().map(StreamName::booking),
    };
    page.records.iter().filter_map(id).collect()
}

enum Whereabouts {
    /// Nobody has it: to be appended after this.
    Free(Expected),
    /// An earlier run has it, or it needs a person.
    InHand,
    /// It is archived, and was when the server offered it: the server has forgotten that.
    Forgotten,
}

/// Where a booking is. One that became archived only after its page was asked for was
/// still waiting then, and is not forgotten: the server lists what it knew at that moment.
fn whereabouts(head: Option<&StreamHead>, asked_at: Position) -> Whereabouts {
    let Some(head) = head else { return Whereabouts::Free(Expected::New) };
    match head.status.as_ref().and_then(|status| BookingStatus::from_label(status.as_str())) {
        Some(BookingStatus::GivenBack) => Whereabouts::Free(Expected::After(head.version)),
        Some(BookingStatus::Archived | BookingStatus::Purged) if head.position < asked_at => Whereabouts::Forgotten,
        _ => Whereabouts::InHand,
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
        quarantined: None,
        reached: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
