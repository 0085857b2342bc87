//! The broker's side below the stages, against real brokers.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

mod asyncapi;
mod connecting;
mod consuming;
mod definitions;
mod faults;
mod parked;
mod publishing;
mod rig;
mod routing;
mod topology;
