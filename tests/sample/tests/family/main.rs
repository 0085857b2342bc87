//! A family of work that only tests have, through the whole kernel: with the stage beside the log, and over RabbitMQ.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod counted;
mod delivered;
mod rig;
