//! The table of claims: pure bookkeeping. `R` is a delivery's receipt.

use std::collections::HashMap;

use strongroom_model::{Position, Recorded, StreamName};

use crate::settle::TaskEnd;

/// The bound of `set_aside`. Beyond it, streams are only delivered again sooner.
const MAX_SET_ASIDE: usize = 1024;

#[derive(Debug)]
pub(super) struct Table<R> {
    cursor: Position,
    /// Where to read again: a claim was dropped, or a later event was passed over.
    again: Option<Position>,
    claims: HashMap<StreamName, ClaimEntry<R>>,
    /// Streams that are pending in the log, but another worker has them; with the position of their last event.
    /// Forgotten at the next rescan.
    set_aside: HashMap<StreamName, Position>,
    pub(super) more: bool,
}

#[derive(Debug)]
struct ClaimEntry<R> {
    /// The event that was claimed, or the lease on it.
    position: Position,
    /// `None`: from the log, lost with its connection, or acknowledged early.
    receipt: Option<R>,
    acknowledged_early: bool,
    /// The stream's newest later event, which waits until this claim ends.
    later: Option<(Recorded, Option<R>)>,
}

#[derive(Debug)]
pub(crate) struct Released<R> {
    pub(crate) disposition: Option<Disposition<R>>,
    pub(crate) later: Option<(Recorded, Option<R>)>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Disposition<R> {
    Acknowledge(R),
    Park(R),
    Requeue(R),
    /// It was acknowledged early: the event at this position is published again.
    Republish(Position),
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self { cursor: Position(0), again: None, claims: HashMap::new(), set_aside: HashMap::new(), more: false }
    }
}

impl<R> Table<R> {
    pub(super) fn from(&self) -> Position {
        self.again.map_or(self.cursor, |again| again.min(self.cursor))
    }

    pub(super) fn begin_page(&mut self) -> Position {
        self.cursor = self.from();
        self.again = None;
        self.cursor
    }

    pub(super) fn pass(&mut self, position: Position) {
        self.cursor = self.cursor.max(position.next());
    }

    pub(super) fn rescan(&mut self) {
        self.again = Some(Position(0));
        self.set_aside.clear();
    }

    pub(super) const fn has_returns(&self) -> bool {
        self.again.is_some()
    }

    pub(super) fn len(&self) -> usize {
        self.claims.len()
    }

    pub(super) fn unclaimable(&self) -> usize {
        self.claims.len() + self.set_aside.len()
    }

    pub(super) fn is_set_aside(&self, event: &Recorded) -> bool {
        self.set_aside.get(&event.stream) == Some(&event.position)
    }

    /// What a broker delivers is never set aside: it was published for a reason.
    pub(super) fn claim(&mut self, event: &Recorded, receipt: Option<R>) -> Result<(), Option<R>> {
        let Some(entry) = self.claims.get_mut(&event.stream) else {
            if receipt.is_none() && self.is_set_aside(event) {
                return Err(None);
            }
            self.set_aside.remove(&event.stream);
            let entry = ClaimEntry { position: event.position, receipt, acknowledged_early: false, later: None };
            self.claims.insert(event.stream.clone(), entry);
            return Ok(());
        };
        let without_receipt = match &mut entry.later {
            _ if event.position < entry.position => None,
            _ if event.position == entry.position => Some(&mut entry.receipt).filter(|_| !entry.acknowledged_early),
            Some((later, _)) if event.position < later.position => None,
            Some((later, receipt)) if event.position == later.position => Some(receipt),
            later => return Err(later.replace((event.clone(), receipt)).and_then(|(_, passed)| passed)),
        };
        match without_receipt.filter(|known| known.is_none()) {
            // By the new connection it can be acknowledged.
            Some(known) => {
                *known = receipt;
                Err(None)
            }
            None => Err(receipt),
        }
    }

    /// The lease is at `position`: the receipts that can be given up. A later event would wait for long, too; the log
    /// has it.
    pub(super) fn lease(&mut self, stream: &StreamName, position: Position) -> Vec<R> {
        let Some(entry) = self.claims.get_mut(stream) else { return Vec::new() };
        entry.position = entry.position.max(position);
        entry.acknowledged_early = true;
        entry.receipt.take().into_iter().chain(entry.later.take().and_then(|(_, receipt)| receipt)).collect()
    }

    pub(super) fn release(&mut self, stream: &StreamName, end: TaskEnd) -> Option<Released<R>> {
        let ClaimEntry { position, receipt, acknowledged_early, later } = self.claims.remove(stream)?;
        match (end, &later) {
            // The later one is the stream's last event now.
            (_, Some((later, _))) => self.look_again(later.position),
            (TaskEnd::Unsettled, None) => self.look_again(position),
            (TaskEnd::NothingToDo | TaskEnd::Unreadable, None) if self.set_aside.len() < MAX_SET_ASIDE => {
                self.set_aside.insert(stream.clone(), position);
            }
            _ => {}
        }
        let disposition = match (end, receipt) {
            (TaskEnd::Unsettled, Some(receipt)) => Some(Disposition::Requeue(receipt)),
            (TaskEnd::Unsettled, None) => acknowledged_early.then_some(Disposition::Republish(position)),
            (TaskEnd::Foreign, Some(receipt)) => Some(Disposition::Park(receipt)),
            (_, receipt) => receipt.map(Disposition::Acknowledge),
        };
        Some(Released { disposition, later })
    }

    pub(super) fn forget(&mut self, is_lost: impl Fn(&R) -> bool) {
        for entry in self.claims.values_mut() {
            entry.receipt.take_if(|receipt| is_lost(receipt));
            entry.later.take_if(|(_, receipt)| receipt.as_ref().is_some_and(&is_lost));
        }
    }

    fn look_again(&mut self, position: Position) {
        self.again = Some(self.again.map_or(position, |again| again.min(position)));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use strongroom_model::event::AlarmCleared;
    use strongroom_model::{Event, EventId, Version};

    use super::*;

    pub(crate) const MAX_SET_ASIDE: usize = super::MAX_SET_ASIDE;

    pub(crate) fn event(stream: &str, position: u64) -> Recorded {
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

    fn claim(
        table: &mut Table<&'static str>,
        position: u64,
        receipt: &'static str,
    ) -> Result<(), Option<&'static str>> {
        table.claim(&event("alarm/drive-full.x", position), Some(receipt))
    }

    fn release(table: &mut Table<&'static str>, end: TaskEnd) -> Released<&'static str> {
        table.release(&event("alarm/drive-full.x", 0).stream, end).unwrap()
    }

    #[test]
    fn a_second_copy_of_claimed_work_gives_its_receipt_back() {
        let mut table = Table::default();
        assert_eq!(claim(&mut table, 4, "a"), Ok(()));
        assert_eq!(claim(&mut table, 4, "b"), Err(Some("b")));
        assert_eq!(claim(&mut table, 3, "c"), Err(Some("c")));
        assert_eq!(table.claim(&event("alarm/drive-full.x", 4), None), Err(None));
        assert_eq!(release(&mut table, TaskEnd::Done).disposition, Some(Disposition::Acknowledge("a")));
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn the_newest_later_event_waits_for_the_end_of_the_claim() {
        let mut table = Table::default();
        assert_eq!(claim(&mut table, 4, "a"), Ok(()));
        assert_eq!(claim(&mut table, 6, "b"), Err(None));
        assert_eq!(claim(&mut table, 5, "c"), Err(Some("c")));
        assert_eq!(claim(&mut table, 6, "d"), Err(Some("d")));
        assert_eq!(claim(&mut table, 7, "e"), Err(Some("b")));
        let (later, receipt) = release(&mut table, TaskEnd::Done).later.unwrap();
        assert_eq!((later.position, receipt), (Position(7), Some("e")));
    }

    #[test]
    fn a_redelivery_after_a_lost_connection_brings_a_new_receipt() {
        let mut table = Table::default();
        assert_eq!(claim(&mut table, 4, "a"), Ok(()));
        table.forget(|receipt| *receipt == "a");
        assert_eq!(claim(&mut table, 4, "b"), Err(None));
        assert_eq!(release(&mut table, TaskEnd::Unsettled).disposition, Some(Disposition::Requeue("b")));
    }

    #[test]
    fn a_later_event_from_the_log_takes_the_receipt_of_its_delivery() {
        let mut table = Table::default();
        assert_eq!(claim(&mut table, 4, "a"), Ok(()));
        assert_eq!(table.claim(&event("alarm/drive-full.x", 6), None), Err(None));
        assert_eq!(claim(&mut table, 6, "b"), Err(None));
        assert_eq!(release(&mut table, TaskEnd::Done).later.unwrap().1, Some("b"));
    }

    #[test]
    fn leased_work_gives_its_receipts_up_and_takes_no_new_ones() {
        let mut table = Table::default();
        assert_eq!(claim(&mut table, 4, "a"), Ok(()));
        assert_eq!(claim(&mut table, 5, "b"), Err(None));
        assert_eq!(table.lease(&event("alarm/drive-full.x", 0).stream, Position(5)), ["a", "b"]);
        assert_eq!(claim(&mut table, 4, "c"), Err(Some("c")));
        assert_eq!(claim(&mut table, 5, "d"), Err(Some("d")));
        assert_eq!(release(&mut table, TaskEnd::Unsettled).disposition, Some(Disposition::Republish(Position(5))));
    }

    #[test]
    fn each_end_has_one_disposition() {
        let ends = [
            (TaskEnd::Done, Disposition::Acknowledge("a")),
            (TaskEnd::Failed, Disposition::Acknowledge("a")),
            (TaskEnd::Duplicate, Disposition::Acknowledge("a")),
            (TaskEnd::NothingToDo, Disposition::Acknowledge("a")),
            (TaskEnd::Unreadable, Disposition::Acknowledge("a")),
            (TaskEnd::Foreign, Disposition::Park("a")),
            (TaskEnd::Unsettled, Disposition::Requeue("a")),
        ];
        for (end, disposition) in ends {
            let mut table = Table::default();
            assert_eq!(claim(&mut table, 4, "a"), Ok(()));
            assert_eq!(release(&mut table, end).disposition, Some(disposition), "{end:?}");
        }
    }
}
