//! The bus with fake stages on a real log, and with a real broker.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

mod broken;
mod delivery;
mod forged;
mod hub;
mod idle;
mod leasing;
mod notifying;
mod obstacles;
mod parking;
mod relaying;
mod rig;
mod settling;
mod shutdown;
mod simulation;
mod workers;
