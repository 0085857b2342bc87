//! Cases 1 to 5, 7, 8 and 15, and 6 of a plugin without `run`: whether it speaks the protocol.

use std::time::Duration;

use serde_json::{Value, json};

use super::bench::{Ask, Bench};
use super::case::Found;
use super::fixture::spoil;
use crate::host::Stdin;
use crate::protocol::{Operation, Outcome};

/// What interpreters and runtimes print when a program fails in a way that it did not think of.
const TRACES: [&str; 5] =
    ["Traceback (most recent call last)", "panicked at", "goroutine 1 [", "    at ", "Exception in thread"];

pub(super) async fn run(bench: &mut Bench<'_>) {
    describe(bench).await;
    versions(bench).await;
    inputs(bench).await;
    wrong_configuration(bench).await;
}

async fn describe(bench: &mut Bench<'_>) {
    let mut ask = Ask::new(1, Operation::Describe, Value::Null);
    ask.bounds.total = Duration::from_secs(10);
    let trial = bench.ask(ask).await;
    let trial = &bench.trials[trial];
    let describe =
        trial.report().filter(|report| report.outcome == Outcome::Done).and_then(|report| report.describe.clone());
    let found = Found::when(describe.is_some(), || trial.seen());
    bench.found(1, found);
    let Some(describe) = describe else {
        bench.found(2, Found::skipped("the plugin does not describe itself"));
        return;
    };
    let (schema, examples, secrets) = (describe.config.clone(), describe.examples.clone(), describe.secrets.clone());
    bench.describe = Some(describe);
    bench.add_secrets(secrets);
    let config = bench.config();
    bench.found(2, fits(&schema, examples.iter().chain([&config])));
}

/// Whether the schema is one, and these fit it, placeholders and all: they are text, as paths are.
fn fits<'a>(schema: &Value, configs: impl Iterator<Item = &'a Value>) -> Found {
    if schema.is_null() {
        return Found::skipped("the plugin has no schema for its configuration");
    }
    if let Err(error) = jsonschema::meta::validate(schema) {
        return Found::NotOk(format!("the schema is no JSON Schema: {error}"));
    }
    let validator = match jsonschema::validator_for(schema) {
        Ok(validator) => validator,
        Err(error) => return Found::NotOk(format!("the schema cannot be used: {error}")),
    };
    for config in configs {
        if let Err(error) = validator.validate(config) {
            return Found::NotOk(format!("{config} does not fit the schema: {error}"));
        }
    }
    Found::Ok
}

async fn versions(bench: &mut Bench<'_>) {
    let other = Ask { protocol: vec![99], ..Ask::new(3, Operation::Describe, Value::Null) };
    let trial = bench.ask(other).await;
    let trial = &bench.trials[trial];
    let found = Found::when(trial.is_unsupported(), || trial.seen());
    bench.found(3, found);
    let unknown = Ask { op: "frobnicate".to_owned(), ..Ask::new(4, Operation::Describe, Value::Null) };
    let trial = bench.ask(unknown).await;
    let trial = &bench.trials[trial];
    let found = Found::when(trial.is_unsupported(), || trial.seen());
    bench.found(4, found);
}

async fn inputs(bench: &mut Bench<'_>) {
    let fields = json!({"colour": "red", "later": {"deep": [1, null]}});
    let fields = fields.as_object().cloned().unwrap_or_default();
    let asks = [
        Ask { fields, ..Ask::new(5, Operation::Describe, Value::Null) },
        Ask { stdin: Stdin::Closed, ..Ask::new(6, Operation::Describe, Value::Null) },
        Ask::new(7, Operation::Describe, Value::Null),
    ];
    for ask in asks {
        let number = ask.case;
        // A run shows more: see `ending`.
        if number == 6 && bench.lacks(&[Operation::Run], &[]).is_none() {
            continue;
        }
        let trial = bench.ask(ask).await;
        let trial = &bench.trials[trial];
        let found = Found::when(trial.outcome() == Some(Outcome::Done), || trial.seen());
        bench.found(number, found);
    }
    let bare = bench.bare();
    let mut alone = Bench::new(&bare);
    let trial = alone.ask(Ask::new(15, Operation::Describe, Value::Null)).await;
    let trial = alone.trials.swap_remove(trial);
    let found = Found::when(trial.outcome() == Some(Outcome::Done), || trial.seen());
    bench.found(15, found);
    bench.trials.push(trial);
}

async fn wrong_configuration(bench: &mut Bench<'_>) {
    if let Some(lack) = bench.lacks(&[Operation::Validate], &[]) {
        return bench.found(8, lack);
    }
    let config = spoil(&bench.config());
    let trial = bench.ask(Ask::new(8, Operation::Validate, config)).await;
    let trial = &bench.trials[trial];
    let has_pointer = trial.report().is_some_and(|report| {
        report.problems.iter().any(|problem| problem.pointer.is_empty() || problem.pointer.starts_with('/'))
    });
    let stderr = String::from_utf8_lossy(&trial.stderr);
    let has_trace = TRACES.iter().any(|trace| stderr.contains(trace));
    let found = Found::when(has_pointer && !has_trace, || trial.seen());
    bench.found(8, found);
}
