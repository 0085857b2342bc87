//! Which streams are claimed for a stage in this process.
//!
//! Both sources, the log and a broker's queue, claim a stream before its event goes to the runner: no stream is in
//! flight twice. Nothing here is durable: a new process finds all that is pending in the log.

mod table;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_model::{Position, Recorded, StreamName};
use tokio::sync::{Notify, mpsc};

use crate::broker::Incoming;
use crate::settle::TaskEnd;

use self::table::Table;

pub(crate) use self::table::{Disposition, Released};

/// A delivery, with which it is acknowledged.
pub(crate) type Receipt = Box<Incoming>;

#[derive(Debug)]
pub(crate) struct Claims {
    table: Mutex<Table<Receipt>>,
    look_again: Notify,
    /// To the queue's consumer. Sent while the table is locked: once no claim is left, all has been sent. Bounded by
    /// what is in flight.
    released: Option<mpsc::UnboundedSender<Released<Receipt>>>,
    in_flight: metrics::Gauge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReadProgress {
    /// Every pending event before this position is in flight or set aside.
    pub(crate) from: Position,
    pub(crate) in_flight: usize,
}

impl Claims {
    pub(crate) fn new(in_flight: metrics::Gauge) -> Self {
        Self { table: Mutex::default(), look_again: Notify::new(), released: None, in_flight }
    }

    pub(crate) fn of_queue(in_flight: metrics::Gauge, released: mpsc::UnboundedSender<Released<Receipt>>) -> Self {
        Self { released: Some(released), ..Self::new(in_flight) }
    }

    pub(crate) fn begin_page(&self) -> Position {
        self.table().begin_page()
    }

    pub(crate) fn expect_more(&self, more: bool) {
        self.table().more = more;
    }

    pub(crate) fn more_coming(&self) -> bool {
        self.table().more
    }

    /// Claims the next event of a page, and moves the cursor past it. `None`: claimed already, or set aside.
    pub(crate) fn claim_next(self: &Arc<Self>, event: &Recorded) -> Option<Claim> {
        let mut table = self.table();
        table.pass(event.position);
        self.claim_in(&mut table, event, None).ok()
    }

    /// Claims an event's stream, with its receipt. The error is a receipt that is not needed: the same work is
    /// claimed.
    pub(crate) fn claim(
        self: &Arc<Self>,
        event: &Recorded,
        receipt: Option<Receipt>,
    ) -> Result<Claim, Option<Receipt>> {
        self.claim_in(&mut self.table(), event, receipt)
    }

    fn claim_in(
        self: &Arc<Self>,
        table: &mut Table<Receipt>,
        event: &Recorded,
        receipt: Option<Receipt>,
    ) -> Result<Claim, Option<Receipt>> {
        table.claim(event, receipt)?;
        self.in_flight.set(table.len() as f64);
        Ok(Claim { claims: self.clone(), stream: event.stream.clone(), end: TaskEnd::Unsettled })
    }

    pub(crate) fn is_set_aside(&self, event: &Recorded) -> bool {
        self.table().is_set_aside(event)
    }

    pub(crate) fn rescan(&self) {
        self.table().rescan();
    }

    pub(crate) async fn look_again(&self) {
        self.look_again.notified().await;
    }

    /// Pending streams that have to be read past, at most.
    pub(crate) fn unclaimable(&self) -> usize {
        self.table().unclaimable()
    }

    pub(crate) fn progress(&self) -> ReadProgress {
        let table = self.table();
        ReadProgress { from: table.from(), in_flight: table.len() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table().len() == 0
    }

    pub(crate) fn forget_lost(&self) {
        self.table().forget(|incoming| !incoming.acker.is_usable());
    }

    fn send(&self, released: Released<Receipt>) {
        if let Some(sender) = &self.released {
            // The receiver is gone only when everything is dropped.
            let _ = sender.send(released);
        }
    }

    /// Locked for single steps that leave the table whole, whatever panics.
    fn table(&self) -> MutexGuard<'_, Table<Receipt>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A claimed stream. Dropped, its event is delivered again.
#[derive(Debug)]
pub(crate) struct Claim {
    claims: Arc<Claims>,
    stream: StreamName,
    end: TaskEnd,
}

impl Claim {
    pub(crate) fn end(mut self, end: TaskEnd) {
        self.end = end;
    }

    /// The log shows a lease, at `position`: its delivery is acknowledged early.
    pub(crate) fn leased(&self, position: Position) {
        let mut table = self.claims.table();
        for receipt in table.lease(&self.stream, position) {
            self.claims.send(Released { disposition: Some(Disposition::Acknowledge(receipt)), later: None });
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut table = self.claims.table();
        if let Some(released) = table.release(&self.stream, self.end) {
            self.claims.send(released);
        }
        self.claims.in_flight.set(table.len() as f64);
        if table.has_returns() {
            self.claims.look_again.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::table::tests::{MAX_SET_ASIDE, event};
    use super::*;

    fn claims() -> Arc<Claims> {
        Arc::new(Claims::new(metrics::Gauge::noop()))
    }

    #[test]
    fn a_stream_is_claimed_once_at_a_time() {
        let claims = claims();
        let claim = claims.claim_next(&event("booking/1", 4)).unwrap();
        assert!(claims.claim_next(&event("booking/1", 4)).is_none());
        assert!(claims.claim(&event("booking/1", 4), None).is_err());
        assert_eq!(claims.progress(), ReadProgress { from: Position(5), in_flight: 1 });
        claim.end(TaskEnd::Done);
        assert_eq!(claims.progress(), ReadProgress { from: Position(5), in_flight: 0 });
    }

    #[test]
    fn a_dropped_claim_is_read_again() {
        let claims = claims();
        drop(claims.claim_next(&event("booking/1", 4)));
        assert_eq!(claims.begin_page(), Position(4));
        assert!(claims.claim_next(&event("booking/1", 4)).is_some());
    }

    #[test]
    fn a_claim_dropped_in_the_middle_of_a_page_is_not_lost() {
        let claims = claims();
        claims.begin_page();
        drop(claims.claim_next(&event("booking/1", 4)).unwrap());
        claims.claim_next(&event("booking/2", 9)).unwrap().end(TaskEnd::Done);
        assert_eq!(claims.progress().from, Position(4));
        assert_eq!(claims.begin_page(), Position(4));
    }

    #[test]
    fn a_later_event_that_was_passed_over_is_found_when_the_stream_is_free() {
        let claims = claims();
        let claim = claims.claim_next(&event("alarm/drive-full.x", 4)).unwrap();
        assert!(claims.claim_next(&event("alarm/drive-full.x", 7)).is_none());
        assert_eq!(claims.progress().from, Position(8));
        claim.end(TaskEnd::Done);
        assert_eq!(claims.begin_page(), Position(7));
    }

    #[test]
    fn what_is_set_aside_is_left_alone_until_a_rescan() {
        let claims = claims();
        claims.claim_next(&event("booking/1", 4)).unwrap().end(TaskEnd::NothingToDo);
        assert!(claims.claim_next(&event("booking/1", 4)).is_none());
        assert!(claims.claim_next(&event("booking/1", 6)).is_some(), "a later event is other work");
        claims.claim_next(&event("booking/2", 5)).unwrap().end(TaskEnd::NothingToDo);
        claims.rescan();
        assert_eq!(claims.begin_page(), Position(0));
        assert!(claims.claim_next(&event("booking/2", 5)).is_some());
    }

    #[test]
    fn what_is_set_aside_is_bounded() {
        let claims = claims();
        for n in 0..(MAX_SET_ASIDE as u64 + 10) {
            claims.claim_next(&event(&format!("booking/{n}"), n)).unwrap().end(TaskEnd::NothingToDo);
        }
        assert_eq!(claims.unclaimable(), MAX_SET_ASIDE);
    }

    #[tokio::test]
    async fn each_end_is_sent_before_no_claim_is_left() {
        let (sender, mut released) = mpsc::unbounded_channel();
        let claims = Arc::new(Claims::of_queue(metrics::Gauge::noop(), sender));
        let claim = claims.claim(&event("booking/1", 4), None).unwrap();
        assert!(claims.claim(&event("booking/1", 7), None).is_err());
        claim.leased(Position(5));
        drop(claim);
        assert!(claims.is_empty());
        let released = released.try_recv().unwrap();
        assert!(matches!(released.disposition, Some(Disposition::Republish(Position(5)))));
    }
}
