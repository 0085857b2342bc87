//! What was delivered and is in hand: pure bookkeeping. `R` is a delivery's receipt, to be
//! given up when the work is over.

use std::collections::HashMap;

use strongroom_model::{Position, Recorded, StreamName};

/// The streams in hand. There are never more than the broker sends ahead, and those that the
/// safety net took from the log.
#[derive(Debug)]
pub(super) struct Hand<R> {
    slots: HashMap<StreamName, Slot<R>>,
}

/// A stream in hand.
#[derive(Debug)]
pub(super) struct Slot<R> {
    /// Where the event is that put it there, or the one that holds it now.
    pub(super) position: Position,
    /// `None`: it did not come by the broker, its connection was lost, or it was acknowledged
    /// early.
    pub(super) receipt: Option<R>,
    /// Whether it was acknowledged early.
    pub(super) kept: bool,
    /// A later event of the same stream, which waits until this one is over.
    pub(super) behind: Option<(Recorded, R)>,
}

/// What an event met.
#[derive(Debug)]
pub(super) enum Met<R> {
    /// Nothing: it is in hand now.
    New(Box<Recorded>),
    /// The same work: nothing is to be done with it.
    Known,
    /// The same work, and a receipt that is one too many.
    Superfluous(R),
}

impl<R> Default for Hand<R> {
    fn default() -> Self {
        Self { slots: HashMap::new() }
    }
}

impl<R> Hand<R> {
    /// Takes an event in hand, unless its stream is.
    pub(super) fn meet(&mut self, event: Recorded, receipt: Option<R>) -> Met<R> {
        let Some(slot) = self.slots.get_mut(&event.stream) else {
            let slot = Slot { position: event.position, receipt, kept: false, behind: None };
            self.slots.insert(event.stream.clone(), slot);
            return Met::New(Box::new(event));
        };
        let Some(receipt) = receipt else { return Met::Known };
        if event.position > slot.position {
            let newest = slot.behind.as_ref().is_none_or(|(behind, _)| event.position > behind.position);
            if !newest {
                return Met::Superfluous(receipt);
            }
            return slot.behind.replace((event, receipt)).map_or(Met::Known, |(_, passed)| Met::Superfluous(passed));
        }
        if event.position == slot.position && slot.receipt.is_none() && !slot.kept {
            // Its connection was lost while it was in hand; by this one it can be acknowledged.
            slot.receipt = Some(receipt);
            return Met::Known;
        }
        Met::Superfluous(receipt)
    }

    /// The work goes on, and the stream's last event is at `position` now: the receipts that can
    /// be given up.
    pub(super) fn kept(&mut self, stream: &StreamName, position: Position) -> Vec<R> {
        let Some(slot) = self.slots.get_mut(stream) else { return Vec::new() };
        slot.position = slot.position.max(position);
        slot.kept = true;
        // One that came later than that waits for long, too. The log has it.
        slot.receipt.take().into_iter().chain(slot.behind.take().map(|(_, receipt)| receipt)).collect()
    }

    /// Lets a stream go.
    pub(super) fn end(&mut self, stream: &StreamName) -> Option<Slot<R>> {
        self.slots.remove(stream)
    }

    /// A connection was lost: what came by it comes again.
    pub(super) fn lost(&mut self, is_lost: impl Fn(&R) -> bool) {
        for slot in self.slots.values_mut() {
            slot.receipt.take_if(|receipt| is_lost(receipt));
            slot.behind.take_if(|(_, receipt)| is_lost(receipt));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::event::AlarmCleared;
    use strongroom_model::{Event, EventId, Version};

    use super::*;

    fn event(position: u64) -> Recorded {
        let time = "2026-11-20T23:00:00Z".parse().unwrap();
        Recorded {
            position: Position(position),
            version: Version(position),
            id: EventId::new(time),
            stream: "alarm/drive-full.x".parse().unwrap(),
            time,
            actor: "test".parse().unwrap(),
            cause: None,
            run: None,
            event: Event::AlarmCleared(AlarmCleared { message: String::new() }),
        }
    }

    fn stream() -> StreamName {
        event(0).stream
    }

    #[test]
    fn a_stream_is_in_hand_once_and_a_second_copy_is_one_too_many() {
        let mut hand = Hand::default();
        assert!(matches!(hand.meet(event(4), Some("a")), Met::New(_)));
        assert!(matches!(hand.meet(event(4), Some("b")), Met::Superfluous("b")));
        assert!(matches!(hand.meet(event(3), Some("c")), Met::Superfluous("c")));
        assert!(matches!(hand.meet(event(4), None), Met::Known));
        let slot = hand.end(&stream()).unwrap();
        assert_eq!((slot.receipt, slot.position), (Some("a"), Position(4)));
        assert!(hand.is_empty());
    }

    #[test]
    fn a_later_event_waits_behind_and_only_the_newest_of_them() {
        let mut hand = Hand::default();
        hand.meet(event(4), Some("a"));
        assert!(matches!(hand.meet(event(6), Some("b")), Met::Known));
        assert!(matches!(hand.meet(event(5), Some("c")), Met::Superfluous("c")));
        assert!(matches!(hand.meet(event(6), Some("d")), Met::Superfluous("d")));
        assert!(matches!(hand.meet(event(7), Some("e")), Met::Superfluous("b")));
        let (behind, receipt) = hand.end(&stream()).unwrap().behind.unwrap();
        assert_eq!((behind.position, receipt), (Position(7), "e"));
    }

    #[test]
    fn what_comes_again_after_a_lost_connection_takes_the_lost_ones_place() {
        let mut hand = Hand::default();
        hand.meet(event(4), Some("a"));
        hand.lost(|receipt| *receipt == "a");
        assert!(matches!(hand.meet(event(4), Some("b")), Met::Known));
        assert_eq!(hand.end(&stream()).unwrap().receipt, Some("b"));
    }

    #[test]
    fn what_is_kept_gives_its_receipts_up_and_takes_no_new_ones() {
        let mut hand = Hand::default();
        hand.meet(event(4), Some("a"));
        hand.meet(event(5), Some("b"));
        assert_eq!(hand.kept(&stream(), Position(5)), ["a", "b"]);
        assert!(matches!(hand.meet(event(4), Some("c")), Met::Superfluous("c")));
        assert!(matches!(hand.meet(event(5), Some("d")), Met::Superfluous("d")));
        let slot = hand.end(&stream()).unwrap();
        assert!(slot.kept && slot.receipt.is_none());
        assert_eq!(slot.position, Position(5));
    }
}
