//! Cases 18 to 23, 26 and 27: what it does with files.

mod special;

use std::fs;
use std::io;

use super::bench::{Ask, Bench};
use super::case::Found;
use super::fixture::tree;
use crate::protocol::{Operation, Outcome};

const SOURCE: &str = "{source}";
const TARGET: &str = "{target}";

pub(super) async fn run(bench: &mut Bench<'_>) {
    for number in [18, 19, 20, 21, 22, 23, 26, 27] {
        let (operations, placeholders): (&[Operation], &[&str]) = match number {
            18 => (&[Operation::Plan], &[TARGET]),
            19 => (&[Operation::Run], &[]),
            20 | 27 => (&[Operation::Run], &[TARGET]),
            21 | 23 => (&[Operation::Run], &[SOURCE]),
            _ => (&[Operation::Run], &[SOURCE, TARGET]),
        };
        if let Some(lack) = bench.lacks(operations, placeholders) {
            bench.found(number, lack);
            continue;
        }
        let tried = match number {
            18 => plan(bench).await,
            19 => twice(bench).await,
            20 => target_missing(bench).await,
            21 => source_missing(bench).await,
            22 => source_empty(bench).await,
            23 => special::unreadable(bench).await,
            26 => special::names(bench).await,
            _ => special::disk_full(bench).await,
        };
        bench.found(number, tried.unwrap_or_else(|error| unmade(&error)));
    }
}

/// A case whose files the kit could not make, or not read.
pub(super) fn unmade(error: &io::Error) -> Found {
    Found::NotOk(format!("the kit's files cannot be used: {error}"))
}

async fn plan(bench: &mut Bench<'_>) -> io::Result<Found> {
    let fixture = bench.fixture()?;
    let config = fixture.fill(&bench.config());
    let before = (tree(&fixture.source)?, tree(&fixture.target)?);
    let trial = bench.ask(Ask::new(18, Operation::Plan, config)).await;
    let is_same = before == (tree(&fixture.source)?, tree(&fixture.target)?);
    let trial = &bench.trials[trial];
    Ok(Found::when(is_same && trial.is_well(), || trial.seen()))
}

async fn twice(bench: &mut Bench<'_>) -> io::Result<Found> {
    let fixture = bench.fixture()?;
    let config = fixture.fill(&bench.config());
    let first = bench.run(19, &config).await;
    if !bench.trials[first].is_well() {
        return Ok(Found::NotOk(bench.trials[first].seen()));
    }
    let state = bench.trials[first].state();
    let second = bench.ask(Ask { state, ..Ask::new(19, Operation::Run, config) }).await;
    let second = &bench.trials[second];
    let is_idle =
        second.outcome() == Some(Outcome::Nothing) || second.report().is_some_and(|report| report.counts.copied == 0);
    Ok(Found::when(second.is_well() && is_idle, || second.seen()))
}

async fn target_missing(bench: &mut Bench<'_>) -> io::Result<Found> {
    let fixture = bench.fixture()?;
    let config = fixture.fill(&bench.config());
    fs::remove_dir_all(&fixture.target)?;
    let trial = bench.run(20, &config).await;
    let trial = &bench.trials[trial];
    let is_ok = trial.outcome() == Some(Outcome::Obstructed) && !fixture.target.exists();
    let made = if fixture.target.exists() { "the target was created; " } else { "" };
    Ok(Found::when(is_ok, || format!("{made}{}", trial.seen())))
}

async fn source_missing(bench: &mut Bench<'_>) -> io::Result<Found> {
    let fixture = bench.fixture()?;
    let config = fixture.fill(&bench.config());
    fs::remove_dir_all(&fixture.source)?;
    let trial = bench.run(21, &config).await;
    let trial = &bench.trials[trial];
    Ok(Found::when(trial.outcome() == Some(Outcome::Failed), || trial.seen()))
}

async fn source_empty(bench: &mut Bench<'_>) -> io::Result<Found> {
    let fixture = bench.fixture()?;
    let config = fixture.fill(&bench.config());
    let first = bench.run(22, &config).await;
    if !bench.trials[first].is_well() {
        return Ok(Found::NotOk(bench.trials[first].seen()));
    }
    let before = tree(&fixture.target)?;
    fs::remove_dir_all(&fixture.source)?;
    fs::create_dir(&fixture.source)?;
    let state = bench.trials[first].state();
    let second = bench.ask(Ask { state, ..Ask::new(22, Operation::Run, config) }).await;
    let after = tree(&fixture.target)?;
    let gone: Vec<_> =
        before.iter().filter(|(path, digest)| after.get(*path) != Some(*digest)).map(|(path, _)| path).collect();
    let trial = &bench.trials[second];
    Ok(Found::when(gone.is_empty(), || format!("changed or gone: {gone:?}; {}", trial.seen())))
}
