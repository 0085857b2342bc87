//! Against a real log and the real document server.
#![expect(clippy::unwrap_used, reason = "the tests' helpers may panic, as tests do")]

mod again;
mod agreed;
mod left;
mod random;
mod site;
