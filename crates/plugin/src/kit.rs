//! The conformance kit: whether a program is a plugin, case by case.
//!
//! Each case starts the plugin as the host would, on files of the kit's own. A configuration names them by the
//! placeholders `{source}` and `{target}`; cases that need one which the configuration does not have are skipped.

mod bench;
mod case;
mod copying;
mod ending;
mod fixture;
mod lines;
mod proving;
mod speaking;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use self::bench::Bench;
pub use self::bench::Transcript;
pub use self::case::{Case, Status};
use crate::host::Environment;
use crate::protocol::Secret;

/// What is tried, and with what.
#[derive(Debug, Clone)]
pub struct Kit {
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// The plugin's environment.
    pub environment: Environment,
    /// An empty folder for the kit's files, with some 100 MiB of space. What is in it afterwards can go.
    pub folder: PathBuf,
    /// The configuration; `None`: the first of the plugin's own examples.
    pub config: Option<Value>,
    /// Secrets that the plugin needs to work; those that are not given are made up. Their values must be nowhere else.
    pub secrets: BTreeMap<String, Secret>,
    /// A program that is run with the two folders as arguments before each case, such as to make a repository.
    pub before: Option<PathBuf>,
    /// How long the kit waits.
    pub patience: Patience,
}

/// How long the kit waits.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From the `cancel` line to the end.
    pub cancel: Duration,
    /// From SIGTERM to the end.
    pub terminate: Duration,
    /// Between two messages: the value of `stall_s` in the request.
    pub stall: Duration,
    /// From the end of the process to that of its children.
    pub drain: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            cancel: Duration::from_secs(30),
            terminate: Duration::from_secs(10),
            stall: Duration::from_secs(5),
            drain: Duration::from_secs(2),
        }
    }
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Tried {
    /// The cases, in order.
    pub cases: Vec<Case>,
    /// What was said in each.
    pub transcripts: Vec<Transcript>,
}

impl Tried {
    /// Whether no case failed.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.cases.iter().all(|case| case.status != Status::NotOk)
    }
}

impl Kit {
    /// Tries every case. Takes some seconds, and longer with a plugin that does not end when it is asked to.
    pub async fn run(&self) -> Tried {
        let mut bench = Bench::new(self);
        let old = proving::prepare(&mut bench);
        speaking::run(&mut bench).await;
        ending::run(&mut bench).await;
        copying::run(&mut bench).await;
        proving::run(&mut bench, old).await;
        lines::run(&mut bench);
        bench.finish()
    }
}
