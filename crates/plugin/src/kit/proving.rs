//! Cases 24, 25 and 30: whether its proof proves.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use super::bench::Bench;
use super::case::Found;
use super::copying::unmade;
use super::fixture::{Fixture, flip, largest};
use crate::protocol::{Operation, Outcome};

const CASES: [u8; 3] = [24, 25, 30];
/// A source that is as young as the run could have changed after it, which would be no damage: so the files are made
/// first of all, and are this old when their run starts.
const AGE: Duration = Duration::from_secs(5);

/// Files that grow old while other cases are tried.
pub(super) struct Old {
    made: Instant,
    fixtures: Vec<io::Result<Fixture>>,
}

pub(super) fn prepare(bench: &mut Bench<'_>) -> Old {
    let fixtures = CASES.map(|_| bench.fixture()).into_iter().collect();
    Old { made: Instant::now(), fixtures }
}

pub(super) async fn run(bench: &mut Bench<'_>, old: Old) {
    for (number, fixture) in CASES.into_iter().zip(old.fixtures) {
        let placeholders: &[&str] = if number == 30 { &[] } else { &["{target}"] };
        if let Some(lack) = bench.lacks(&[Operation::Run, Operation::Verify], placeholders) {
            bench.found(number, lack);
            continue;
        }
        tokio::time::sleep(AGE.saturating_sub(old.made.elapsed())).await;
        let found = one(bench, number, fixture).await.unwrap_or_else(|error| unmade(&error));
        bench.found(number, found);
    }
}

async fn one(bench: &mut Bench<'_>, number: u8, fixture: io::Result<Fixture>) -> io::Result<Found> {
    let fixture = fixture?;
    let config = fixture.fill(&bench.config());
    let run = bench.run(number, &config).await;
    if !bench.trials[run].is_well() {
        return Ok(Found::NotOk(bench.trials[run].seen()));
    }
    if number != 30 {
        let Some(file) = largest(&fixture.target)? else {
            return Ok(Found::NotOk(format!("the run left no file in the target; {}", bench.trials[run].seen())));
        };
        if number == 24 { flip(&file)? } else { fs::remove_file(&file)? }
    }
    let proof = bench.verify(number, &config, run).await;
    let trial = &bench.trials[proof];
    let is_ok = match number {
        30 => trial.outcome() == Some(Outcome::Done),
        _ => matches!(trial.outcome(), Some(Outcome::Failed | Outcome::Partial)),
    };
    Ok(Found::when(is_ok, || trial.seen()))
}
