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
