//! Cases 24, 25 and 30: whether its proof proves.

use std::fs;
use std::io;

use super::bench::Bench;
use super::case::Found;
use super::copying::unmade;
use super::fixture::{flip, largest};
use crate::protocol::{Operation, Outcome};

pub(super) async fn run(bench: &mut Bench<'_>) {
    for number in [24, 25, 30] {
        let placeholders: &[&str] = if number == 30 { &[] } else { &["{target}"] };
        if let Some(lack) = bench.lacks(&[Operation::Run, Operation::Verify], placeholders) {
            bench.found(number, lack);
            continue;
        }
        let found = one(bench, number).await.unwrap_or_else(|error| unmade(&error));
        bench.found(number, found);
    }
}

async fn one(bench: &mut Bench<'_>, number: u8) -> io::Result<Found> {
    let fixture = bench.fixture()?;
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
