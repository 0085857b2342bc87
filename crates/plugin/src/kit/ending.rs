//! Cases 6, 16, 17 and 28: how it ends, and that it lives. They run on more files than the others.

use std::io;
use std::time::Duration;

use serde_json::Value;

use super::bench::{Ask, Bench};
use super::case::Found;
use super::fixture::{Fixture, noise};
use crate::host::{End, Stdin};
use crate::protocol::{Operation, Outcome};

/// Enough that a run takes a moment.
const FILES: usize = 300;
const FILE_BYTES: usize = 100_000;
pub(super) async fn run(bench: &mut Bench<'_>) {
    if bench.lacks(&[Operation::Run], &[]).is_some() {
        for number in [16, 17, 28] {
            let lack = bench.lacks(&[Operation::Run], &[]).unwrap_or(Found::Ok);
            bench.found(number, lack);
        }
        return;
    }
    for number in [6, 16, 17, 28] {
        let found = match large(bench) {
            Err(error) => Found::NotOk(format!("the kit's files cannot be made: {error}")),
            Ok(config) => one(bench, number, config).await,
        };
        bench.found(number, found);
    }
}

/// A configuration for a source that is not copied in an instant.
fn large(bench: &mut Bench<'_>) -> io::Result<Value> {
    let fixture: Fixture = bench.fixture()?;
    let bytes = noise(FILE_BYTES);
    for number in 0..FILES {
        std::fs::write(fixture.source.join(format!("folder/{number}.bin")), &bytes)?;
    }
    Ok(fixture.fill(&bench.config()))
}

async fn one(bench: &mut Bench<'_>, number: u8, config: Value) -> Found {
    let (mut ask, patience) = (Ask::new(number, Operation::Run, config), bench.patience());
    match number {
        6 => ask.stdin = Stdin::Closed,
        16 => (ask.is_cancelled, ask.bounds.cancel_line) = (true, patience.cancel),
        17 => (ask.is_cancelled, ask.bounds.cancel_line) = (true, Duration::ZERO),
        _ => ask.bounds.stall = patience.stall,
    }
    let trial = bench.ask(ask).await;
    let trial = &bench.trials[trial];
    let Ok(ended) = &trial.result else { return Found::NotOk(trial.seen()) };
    let said = ended.verdict.report.outcome;
    let is_ok = match number {
        6 => trial.is_well(),
        16 => {
            matches!(said, Outcome::Cancelled | Outcome::Done | Outcome::Nothing)
                && ended.end == End::Code(0)
                && trial.took < patience.cancel
        }
        17 => ended.end != End::Signal(9) && ended.end != End::Stuck && ended.left_behind == 0,
        _ => trial.stalls == 0 && ended.stop.is_none(),
    };
    Found::when(is_ok, || trial.seen())
}
