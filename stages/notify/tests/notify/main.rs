//! Notify against a real log: what goes out, in which words, and how often.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alarms;
mod open;
mod quirks;
mod quirky_server;
mod r7_summaries_tile_the_log;
mod settings;
mod site;
mod smtp;
mod smtp_server;
mod stage;
mod summaries;
