//! Permits for connections, bounded in all and for each peer.
//!
//! Closing a connection that waits for a request, or for the rest of its head, is harmless: its client retries. So
//! where permits run out, the connection that has waited longest is closed, one of the same peer if that peer has too
//! many. A peer with many silent connections takes only its own permits.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Clones share the permits.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionPermits(Arc<PermitPool>);

#[derive(Debug)]
struct PermitPool {
    max_total: usize,
    max_per_peer: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    held: HashMap<u64, HeldPermit>,
}

#[derive(Debug)]
struct HeldPermit {
    peer: IpAddr,
    /// Its requests in flight.
    busy: usize,
    /// Since it was taken, or its last request ended.
    idle_since: Instant,
    revoke: CancellationToken,
}

/// A connection's permit, returned when dropped.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionPermit(Arc<PermitState>);

#[derive(Debug)]
struct PermitState {
    permits: ConnectionPermits,
    number: u64,
    revoke: CancellationToken,
}

/// A request in flight, until its answer is sent or dropped.
#[derive(Debug)]
pub(crate) struct Busy(ConnectionPermit);

impl ConnectionPermits {
    pub(crate) fn new(max_total: usize, max_per_peer: usize) -> Self {
        Self(Arc::new(PermitPool { max_total, max_per_peer, taken: Mutex::default() }))
    }

    /// A permit for a peer; `None` if all that it could have are busy.
    pub(crate) fn take(&self, peer: IpAddr, now: Instant) -> Option<ConnectionPermit> {
        let mut taken = self.taken();
        if taken.count(|held| held.peer == peer) >= self.0.max_per_peer {
            taken.close_idlest(|held| held.peer == peer)?;
        }
        if taken.held.len() >= self.0.max_total {
            taken.close_idlest(|_| true)?;
        }
        let (number, revoke) = (taken.next, CancellationToken::new());
        taken.next += 1;
        taken.held.insert(number, HeldPermit { peer, busy: 0, idle_since: now, revoke: revoke.clone() });
        Some(ConnectionPermit(Arc::new(PermitState { permits: self.clone(), number, revoke })))
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn count(&self, of: impl Fn(&HeldPermit) -> bool) -> usize {
        self.held.values().filter(|held| of(held)).count()
    }

    /// Closes the connection that has waited longest.
    fn close_idlest(&mut self, of: impl Fn(&HeldPermit) -> bool) -> Option<()> {
        let waiting = self.held.iter().filter(|(_, held)| held.busy == 0 && of(held));
        let number = *waiting.min_by_key(|(_, held)| held.idle_since)?.0;
        self.held.remove(&number)?.revoke.cancel();
        Some(())
    }
}

impl ConnectionPermit {
    /// Completes when another connection needs the permit.
    pub(crate) async fn revoked(&self) {
        self.0.revoke.cancelled().await;
    }

    pub(crate) fn begin(&self) -> Busy {
        if let Some(held) = self.0.permits.taken().held.get_mut(&self.0.number) {
            held.busy += 1;
        }
        Busy(self.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let inner = &self.0.0;
        if let Some(held) = inner.permits.taken().held.get_mut(&inner.number) {
            held.busy -= 1;
            held.idle_since = Instant::now();
        }
    }
}

impl Drop for PermitState {
    fn drop(&mut self) {
        self.permits.taken().held.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn peer(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    #[tokio::test]
    async fn the_longest_idle_connection_is_closed_and_a_peer_takes_its_own_permits_only() {
        let (permits, now) = (ConnectionPermits::new(3, 2), Instant::now());
        let at = |second| now + Duration::from_secs(second);
        let first = permits.take(peer(1), at(0)).unwrap();
        let second = permits.take(peer(1), at(1)).unwrap();
        let other = permits.take(peer(2), at(2)).unwrap();
        let third = permits.take(peer(1), at(3)).unwrap();
        first.revoked().await;
        assert!(!second.0.revoke.is_cancelled() && !other.0.revoke.is_cancelled());
        let busy = second.begin();
        let _fourth = permits.take(peer(3), at(4)).unwrap();
        other.revoked().await;
        assert!(!third.0.revoke.is_cancelled());
        drop(busy);
    }

    #[tokio::test]
    async fn a_busy_permit_is_not_revoked_and_a_dropped_one_is_free() {
        let (permits, now) = (ConnectionPermits::new(2, 2), Instant::now());
        let [one, two] = [permits.take(peer(1), now).unwrap(), permits.take(peer(1), now).unwrap()];
        let busy = [one.begin(), two.begin()];
        assert!(permits.take(peer(2), now).is_none());
        drop((busy, one));
        drop(two);
        assert!(permits.take(peer(2), now).is_some());
    }
}
