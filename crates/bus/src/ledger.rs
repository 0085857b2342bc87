//! What of a stage's pending work is in hand in this process: pure bookkeeping.
//!
//! The feed that reads the log itself does so upwards from a cursor. It, or the one that takes
//! from a broker, claims what it hands over, so that no stream is in hand twice. Nothing here is durable: a new process starts with an empty
//! ledger and the cursor at 0, and finds all that is pending in the log again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_model::{Position, Recorded, StreamName};
use tokio::sync::{Notify, mpsc};

/// How many streams are remembered as needing nothing from us, at most. Beyond it they
/// are merely handed over again sooner.
const MAX_RESTED: usize = 1024;

/// The bookkeeping of one stage's deliveries, shared by its feed, its runner and whoever
/// asks whether it is idle.
#[derive(Debug)]
pub(crate) struct Ledger {
    entries: Mutex<Entries>,
    /// Told when the feed has reason to look at the log again.
    returned: Notify,
    /// Told of every claim, where a broker waits for a word about its delivery. No longer than
    /// what is in hand.
    words: Option<mpsc::UnboundedSender<Word>>,
    in_hand: metrics::Gauge,
}

/// What a broker's feed is told of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) stream: StreamName,
    pub(crate) said: Said,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// It is over.
    Ended(Ending),
    /// The work goes on, and its delivery may be forgotten: the log says who has it. That is
    /// the event at this position now.
    Kept(Position),
}

#[derive(Debug, Default)]
struct Entries {
    /// The first position that was not looked at.
    cursor: Position,
    /// Where to look again, at the next page: something came back or was passed over.
    again: Option<Position>,
    /// What is in hand.
    claims: HashMap<StreamName, Claimed>,
    /// Streams whose last event turned out to need nothing from us, though the log still
    /// shows it as pending: another worker has claimed it. Forgotten at the next look from 0.
    rested: HashMap<StreamName, Position>,
    /// Whether the feed has more that it is about to hand over.
    more: bool,
}

#[derive(Debug)]
struct Claimed {
    position: Position,
    /// A later event of the same stream that was passed over in the meantime.
    missed: Option<Position>,
}

/// How far a stage's work has come in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// All that is pending below is in hand, or rests.
    pub(crate) from: Position,
    /// How many streams are in hand: waiting for the stage or being worked on.
    pub(crate) in_hand: usize,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new(metrics::Gauge::noop())
    }
}

impl Ledger {
    /// The ledger of a feed that reads the log itself.
    pub(crate) fn new(in_hand: metrics::Gauge) -> Self {
        Self { entries: Mutex::default(), returned: Notify::new(), words: None, in_hand }
    }

    /// The ledger of a broker's feed.
    pub(crate) fn of_broker(in_hand: metrics::Gauge, words: mpsc::UnboundedSender<Word>) -> Self {
        Self { words: Some(words), ..Self::new(in_hand) }
    }

    /// Begins a page: from where to read.
    pub(crate) fn page(&self) -> Position {
        let mut entries = self.entries();
        entries.cursor = entries.from();
        entries.again = None;
        entries.cursor
    }

    /// Ends a page: everything below `to` was looked at. `more`: there was as much as was
    /// asked for, so there is probably more.
    pub(crate) fn paged(&self, more: bool) {
        self.entries().more = more;
    }

    /// Takes a stream in hand, and notes that its event was looked at. `None`: it is in
    /// hand already, or rests.
    pub(crate) fn claim(self: &Arc<Self>, event: &Recorded) -> Option<Claim> {
        {
            let mut entries = self.entries();
            entries.cursor = entries.cursor.max(event.position.next());
        }
        self.claim_due(event)
    }

    /// Takes a stream in hand whose retry is due. It was looked at long ago, so that the
    /// cursor stays where it is.
    pub(crate) fn claim_due(self: &Arc<Self>, event: &Recorded) -> Option<Claim> {
        let mut entries = self.entries();
        let claimed = entries.claim(event);
        self.in_hand.set(entries.claims.len() as f64);
        claimed.then(|| Claim { ledger: self.clone(), stream: event.stream.clone(), ending: Ending::Again })
    }

    /// Takes a stream in hand that a broker delivered: whoever sent it has a reason, so that it
    /// does not matter whether it rested.
    pub(crate) fn claim_delivered(self: &Arc<Self>, event: &Recorded) -> Option<Claim> {
        self.entries().rested.remove(&event.stream);
        self.claim_due(event)
    }

    /// Whether that event is known to need nothing from us.
    pub(crate) fn rests(&self, event: &Recorded) -> bool {
        self.entries().rested.get(&event.stream) == Some(&event.position)
    }

    /// Looks at everything again, from the first position on.
    pub(crate) fn rescan(&self) {
        let mut entries = self.entries();
        entries.again = Some(Position(0));
        entries.rested.clear();
    }

    /// Waits until something came back.
    pub(crate) async fn returned(&self) {
        self.returned.notified().await;
    }

    /// Whether the feed is about to hand over more.
    pub(crate) fn more_coming(&self) -> bool {
        self.entries().more
    }

    /// How many due streams may have to be read to find one that is not in hand.
    pub(crate) fn held(&self) -> usize {
        let entries = self.entries();
        entries.claims.len() + entries.rested.len()
    }

    pub(crate) fn standing(&self) -> Standing {
        let entries = self.entries();
        Standing { from: entries.from(), in_hand: entries.claims.len() }
    }

    /// The lock is held for single steps that leave the entries whole, whatever panics.
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn from(&self) -> Position {
        self.again.map_or(self.cursor, |again| again.min(self.cursor))
    }

    fn look_again(&mut self, position: Position) {
        self.again = Some(self.again.map_or(position, |again| again.min(position)));
    }

    fn claim(&mut self, event: &Recorded) -> bool {
        if let Some(claimed) = self.claims.get_mut(&event.stream) {
            if event.position > claimed.position {
                claimed.missed = claimed.missed.max(Some(event.position));
            }
            return false;
        }
        if self.rested.get(&event.stream) == Some(&event.position) {
            return false;
        }
        self.rested.remove(&event.stream);
        self.claims.insert(event.stream.clone(), Claimed { position: event.position, missed: None });
        true
    }

    /// Whether the feed should look again.
    fn release(&mut self, stream: &StreamName, ending: Ending) -> bool {
        let Some(claimed) = self.claims.remove(stream) else { return false };
        match (ending, claimed.missed) {
            // What was passed over is the stream's last event now; the other one is stale.
            (_, Some(missed)) => self.look_again(missed),
            (Ending::Again, None) => self.look_again(claimed.position),
            (Ending::Rest, None) => {
                if self.rested.len() < MAX_RESTED {
                    self.rested.insert(stream.clone(), claimed.position);
                }
                return false;
            }
            (Ending::Done | Ending::Foreign, None) => return false,
        }
        true
    }
}

/// How a claim ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The log has moved on.
    Done,
    /// It is to be handed over once more.
    Again,
    /// Nothing is to be done here.
    Rest,
    /// It is not an event of this log.
    Foreign,
}

/// A stream in hand. Dropped, it is handed over again: whatever dies with a delivery
/// in its hands gives it back.
#[derive(Debug)]
pub(crate) struct Claim {
    ledger: Arc<Ledger>,
    stream: StreamName,
    ending: Ending,
}

impl Claim {
    /// The log has moved on: forget the delivery.
    pub(crate) fn done(mut self) {
        self.ending = Ending::Done;
    }

    /// There is nothing to do about it here, though the log may still show it as pending.
    pub(crate) fn rest(mut self) {
        self.ending = Ending::Rest;
    }
}

impl Claim {
    /// It is not an event of this log: a person must see where it came from.
    pub(crate) fn foreign(mut self) {
        self.ending = Ending::Foreign;
    }

    /// The work goes on, and its delivery may be forgotten.
    pub(crate) fn kept(&self, position: Position) {
        self.tell(Said::Kept(position));
    }

    fn tell(&self, said: Said) {
        if let Some(words) = &self.ledger.words {
            // Nobody listens any more only where all is given up.
            let _ = words.send(Word { stream: self.stream.clone(), said });
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let again = {
            let mut entries = self.ledger.entries();
            let again = entries.release(&self.stream, self.ending);
            self.ledger.in_hand.set(entries.claims.len() as f64);
            again
        };
        self.tell(Said::Ended(self.ending));
        if again {
            self.ledger.returned.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::event::AlarmCleared;
    use strongroom_model::{Event, EventId, Version};

    use super::*;

    fn event(stream: &str, position: u64) -> Recorded {
        let time = "2026-11-20T23:00:00Z".parse().unwrap();
        Recorded {
            position: Position(position),
            version: Version(position),
            id: EventId::new(time),
            stream: stream.parse().unwrap(),
            time,
            actor: "test".parse().unwrap(),
            cause: None,
            run: None,
            event: Event::AlarmCleared(AlarmCleared { message: String::new() }),
        }
    }

    #[test]
    fn a_stream_is_in_hand_once_at_a_time() {
        let ledger = Arc::new(Ledger::default());
        let claim = ledger.claim(&event("booking/1", 4)).unwrap();
        assert!(ledger.claim(&event("booking/1", 4)).is_none());
        assert!(ledger.claim_due(&event("booking/1", 4)).is_none());
        assert_eq!(ledger.standing(), Standing { from: Position(5), in_hand: 1 });
        claim.done();
        assert_eq!(ledger.standing(), Standing { from: Position(5), in_hand: 0 });
    }

    #[test]
    fn what_is_dropped_is_looked_at_again() {
        let ledger = Arc::new(Ledger::default());
        drop(ledger.claim(&event("booking/1", 4)));
        assert_eq!(ledger.page(), Position(4));
        assert!(ledger.claim(&event("booking/1", 4)).is_some());
    }

    #[test]
    fn a_return_in_the_middle_of_a_page_is_not_lost() {
        let ledger = Arc::new(Ledger::default());
        ledger.page();
        let first = ledger.claim(&event("booking/1", 4)).unwrap();
        drop(first);
        ledger.claim(&event("booking/2", 9)).unwrap().done();
        assert_eq!(ledger.standing().from, Position(4));
        assert_eq!(ledger.page(), Position(4));
    }

    #[test]
    fn a_later_event_that_was_passed_over_is_found_when_the_stream_is_free() {
        let ledger = Arc::new(Ledger::default());
        let claim = ledger.claim(&event("alarm/drive-full.x", 4)).unwrap();
        assert!(ledger.claim(&event("alarm/drive-full.x", 7)).is_none());
        assert_eq!(ledger.standing().from, Position(8));
        claim.done();
        assert_eq!(ledger.page(), Position(7));
    }

    #[test]
    fn what_rests_is_left_alone_until_everything_is_looked_at_again() {
        let ledger = Arc::new(Ledger::default());
        ledger.claim(&event("booking/1", 4)).unwrap().rest();
        assert!(ledger.claim(&event("booking/1", 4)).is_none());
        assert!(ledger.claim(&event("booking/1", 6)).is_some(), "a later event is another matter");
        ledger.claim(&event("booking/2", 5)).unwrap().rest();
        ledger.rescan();
        assert_eq!(ledger.page(), Position(0));
        assert!(ledger.claim(&event("booking/2", 5)).is_some());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let ledger = Arc::new(Ledger::default());
        for n in 0..(MAX_RESTED as u64 + 10) {
            ledger.claim(&event(&format!("booking/{n}"), n)).unwrap().rest();
        }
        assert_eq!(ledger.held(), MAX_RESTED);
    }
}
