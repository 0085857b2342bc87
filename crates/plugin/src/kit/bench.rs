//! Where the plugin is tried: one operation after the other, each with all that it printed.

mod leaks;
mod outcome;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::case::{Case, Found, case};
use super::fixture::{Fixture, names};
use super::{Kit, Patience, Tried};
use crate::host::{Beside, Bounds, Launch, Notice, Piece, Redactor, Stdin, Stream, run_beside};
use crate::protocol::{Describe, Operation, Request, Secret};

pub(super) use self::outcome::Trial;

/// A secret that nothing else looks like.
const CANARY: &str = "canary/7d1f3a+Grünspecht\"92";
/// For one run on the kit's few files.
const RUN: Duration = Duration::from_secs(120);

/// What was said in one case, for a plugin's own repository to keep.
#[derive(Debug, Clone, Serialize)]
pub struct Transcript {
    /// The case's number; several may be of one.
    pub case: u8,
    /// The request, without its secrets.
    pub request: Value,
    /// Standard output, line by line.
    pub stdout: Vec<String>,
    /// How the process ended.
    pub end: String,
}

/// What is asked, and how.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) case: u8,
    pub(super) op: String,
    pub(super) protocol: Vec<u32>,
    pub(super) config: Value,
    pub(super) state: Value,
    pub(super) fields: Map<String, Value>,
    pub(super) stdin: Stdin,
    /// Words before the command.
    pub(super) prefix: Vec<OsString>,
    pub(super) bounds: Bounds,
    /// Cancelled once it has said something.
    pub(super) is_cancelled: bool,
}

impl Ask {
    pub(super) fn new(case: u8, operation: Operation, config: Value) -> Self {
        let mut bounds = Bounds::of(operation);
        bounds.total = bounds.total.min(RUN);
        Self {
            case,
            op: operation.name().to_owned(),
            protocol: vec![crate::protocol::VERSION],
            config,
            state: Value::Null,
            fields: Map::new(),
            stdin: Stdin::Open,
            prefix: Vec::new(),
            bounds,
            is_cancelled: false,
        }
    }
}

/// Where the plugin is tried.
pub(super) struct Bench<'a> {
    kit: &'a Kit,
    pub(super) describe: Option<Describe>,
    pub(super) trials: Vec<Trial>,
    cases: Vec<Case>,
    redactor: Redactor,
    secrets: std::collections::BTreeMap<String, Secret>,
    fixtures: u32,
}

impl<'a> Bench<'a> {
    pub(super) fn new(kit: &'a Kit) -> Self {
        let mut bench = Self {
            kit,
            describe: None,
            trials: Vec::new(),
            cases: Vec::new(),
            redactor: Redactor::default(),
            secrets: kit.secrets.clone(),
            fixtures: 0,
        };
        bench.add_secrets(Vec::new());
        bench
    }

    /// Makes up what is missing.
    pub(super) fn add_secrets(&mut self, names: Vec<String>) {
        for name in names {
            self.secrets.entry(name).or_insert_with(|| Secret::new(CANARY));
        }
        // A secret that is too short is an obstacle at each start, which the cases then show.
        self.redactor = Redactor::new(&self.secrets).unwrap_or_default();
    }

    pub(super) fn found(&mut self, number: u8, found: Found) {
        self.cases.push(case(number, found));
    }

    /// The configuration, with its placeholders.
    pub(super) fn config(&self) -> Value {
        let example = || self.describe.as_ref().and_then(|describe| describe.examples.first().cloned());
        self.kit.config.clone().or_else(example).unwrap_or_else(|| Value::Object(Map::new()))
    }

    /// Why a case cannot be tried, if it cannot: the plugin lacks an operation, or the configuration a placeholder.
    pub(super) fn lacks(&self, operations: &[Operation], placeholders: &[&str]) -> Option<Found> {
        let listed = |operation: &Operation| {
            self.describe.as_ref().is_some_and(|known| known.operations.iter().any(|name| name == operation.name()))
        };
        if let Some(missing) = operations.iter().find(|operation| !listed(operation)) {
            return Some(Found::skipped(format!("the plugin does not list the operation {}", missing.name())));
        }
        let config = self.config();
        let missing = placeholders.iter().find(|placeholder| !names(&config, placeholder))?;
        Some(Found::skipped(format!("the configuration does not name {missing}")))
    }

    pub(super) const fn patience(&self) -> Patience {
        self.kit.patience
    }

    /// New folders with the usual files.
    pub(super) fn fixture(&mut self) -> std::io::Result<Fixture> {
        self.fixtures += 1;
        let fixture = Fixture::make(&self.kit.folder.join(format!("fixture.{}", self.fixtures)))?;
        if let Some(before) = &self.kit.before {
            let mut command = Command::new(before);
            command.args([&fixture.source, &fixture.target]).stdin(Stdio::null()).stdout(Stdio::null());
            let status = command.status()?;
            if !status.success() {
                return Err(std::io::Error::other(format!("{} ended with {status}", before.display())));
            }
        }
        Ok(fixture)
    }

    /// Starts the plugin once; its number in `trials`.
    pub(super) async fn ask(&mut self, mut ask: Ask) -> usize {
        (ask.bounds.terminate, ask.bounds.drain) = (self.kit.patience.terminate, self.kit.patience.drain);
        let mut launch = Launch::new(
            ask.prefix.iter().chain(&self.kit.argv).cloned().collect(),
            self.kit.environment.clone(),
            self.kit.folder.join("work"),
        );
        launch.stdin = ask.stdin;
        let request = self.request(&ask);
        let cancel = CancellationToken::new();
        let (mut stdout, mut stderr, mut stalls) = (Vec::new(), Vec::new(), 0);
        let mut tap = |piece: &Piece| {
            if piece.stream == Stream::Stdout {
                stdout.extend(&piece.bytes);
            } else {
                stderr.extend(&piece.bytes);
            }
            if ask.is_cancelled && !stdout.is_empty() {
                cancel.cancel();
            }
        };
        let beside = Beside { tap: &mut tap, fields: ask.fields.clone(), keeps_workdir: true };
        let mut notice = |notice| stalls += u32::from(matches!(notice, Notice::Stalled(_)));
        let watch = leaks::Watch::start(self.redactor.clone());
        let begun = Instant::now();
        let result = run_beside(&launch, request.clone(), &ask.bounds, &cancel, &mut notice, beside).await;
        let took = begun.elapsed();
        let mut leaks = watch.end();
        leaks.extend(leaks::in_bytes(&self.redactor, "standard output", &stdout));
        leaks.extend(leaks::in_bytes(&self.redactor, "standard error", &stderr));
        if let Some(workdir) = result.as_ref().ok().and_then(|ended| ended.workdir.clone()) {
            leaks.extend(leaks::in_folder(&self.redactor, &workdir));
            // What cannot be removed stays in the kit's own folder.
            let _ = std::fs::remove_dir_all(workdir);
        }
        self.trials.push(Trial { ask, request, result, stdout, stderr, stalls, took, leaks });
        self.trials.len() - 1
    }

    fn request(&self, ask: &Ask) -> Request {
        let mut request = Request::new(Operation::Describe);
        request.op.clone_from(&ask.op);
        request.protocol.clone_from(&ask.protocol);
        request.config.clone_from(&ask.config);
        request.state.clone_from(&ask.state);
        request.secrets.clone_from(&self.secrets);
        (request.job, request.run) = ("kit".to_owned(), format!("case-{}", ask.case));
        request.limits.max_delete = 100;
        request
    }

    /// Runs, and then verifies with the state that was left.
    pub(super) async fn run(&mut self, number: u8, config: &Value) -> usize {
        self.ask(Ask::new(number, Operation::Run, config.clone())).await
    }

    pub(super) async fn verify(&mut self, number: u8, config: &Value, after: usize) -> usize {
        let state = self.trials[after].state();
        self.ask(Ask { state, ..Ask::new(number, Operation::Verify, config.clone()) }).await
    }

    pub(super) fn finish(self) -> Tried {
        let mut cases = self.cases;
        cases.sort_by_key(|case| case.number);
        let folder = self.kit.folder.to_string_lossy();
        let transcripts = self.trials.iter().map(|trial| trial.transcript(&folder)).collect();
        Tried { cases, transcripts }
    }

    pub(super) fn environment_path(&self) -> PathBuf {
        PathBuf::from(self.kit.environment.path())
    }

    /// The kit with nothing but `PATH` for the plugin.
    pub(super) fn bare(&self) -> Kit {
        let path = (OsString::from("PATH"), self.kit.environment.path().to_owned());
        Kit { environment: crate::host::Environment::of([path]), ..self.kit.clone() }
    }
}
