//! Ports that nobody has.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

/// Below the range that connections going out get theirs from: a client that tries to
/// reach a stopped server from the port that it tries to reach would meet itself.
const PORTS: Range<u16> = 20_000..32_000;

/// A port on the loopback interface that nobody listens on just now. Whoever starts a
/// server on it must be ready to find it taken after all.
pub(crate) fn free() -> u16 {
    std::iter::repeat_with(|| fastrand::u16(PORTS))
        .take(1000)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("one of a thousand ports is free")
}

/// Starts a server on ports of its own. One may be taken between the look and the start: then `try_start` gives `None`.
pub(crate) fn on_free_ones<T>(try_start: impl Fn() -> Option<T>) -> T {
    (0..10).find_map(|_| try_start()).expect("one of the ports that were tried is free")
}
