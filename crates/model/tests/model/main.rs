//! What the vocabulary promises, kind by kind.
//!
//! - `samples`: one event of each type, with every field set, and some with none;
//! - `fixtures`: the bytes of every event that was ever released stay readable;
//! - `canonical`: what makes those bytes what they are;
//! - `booking`, `run`, `alarm`, `summary`, `custody`, `job`: each fold's whole table;
//! - `flow`: which stage each event hands its subject to;
//! - `status`: where each event leaves its subject, and what its work is bound to;
//! - `hostile`: nothing from outside makes any of it panic.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alarm;
mod booking;
mod canonical;
mod custody;
mod fixtures;
mod flow;
mod hostile;
mod job;
mod run;
mod samples;
mod status;
mod summary;
