//! The program as a process: exit codes, what it prints, and what it leaves.
#![expect(clippy::unwrap_used, reason = "a rig that cannot go on fails its test")]

mod demo;
mod health;
mod moved;
mod plugin;
mod rig;
mod schedule;
mod tasks;
mod typed;
mod workers;
