//! The bus with fake stages on a real log.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

mod delivery;
mod idle;
mod obstacles;
mod rig;
mod settling;
mod shutdown;
mod simulation;
