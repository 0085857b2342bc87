//! Logs that released versions wrote, kept in `tests/fixtures/` as `release-<version>`: a SQLite file (`.db`), a
//! Postgres database (`.sql`, a dump), and what their projection held (`.json`). Every later version brings them up to
//! date, keeps each stored byte, and goes on.

#![expect(clippy::unwrap_used, reason = "a test stops at the first error")]

#[cfg(feature = "kill-points")]
mod killed;
mod postgres;
mod released;
mod sqlite;
mod story;
mod writer;
