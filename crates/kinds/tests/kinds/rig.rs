//! A host that asks one operation, and two folders.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use strongroom_kinds::{Around, BuiltIn};
use strongroom_plugin::protocol::{Item, ItemOutcome, Limits, Operation, PluginMessage, Report, Request, Secret};
use strongroom_plugin::{Cancelled, serve};
use strongroom_service::Clock;
use tempfile::TempDir;

/// A job of a kind, and what it keeps.
pub(crate) struct Job {
    pub(crate) folder: TempDir,
    pub(crate) kind: &'static str,
    pub(crate) config: Value,
    pub(crate) state: Value,
    pub(crate) limits: Limits,
    pub(crate) secrets: Vec<(&'static str, &'static str)>,
    pub(crate) path: String,
    pub(crate) clock: Clock,
    pub(crate) cancelled: Cancelled,
}

/// What a kind answered.
pub(crate) struct Answer {
    pub(crate) report: Report,
    pub(crate) items: Vec<Item>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn outcome(&self) -> &'static str {
        self.report.outcome.name()
    }

    pub(crate) fn cause(&self) -> &str {
        self.report.cause.as_deref().unwrap_or("-")
    }

    pub(crate) fn pointers(&self) -> Vec<&str> {
        self.report.problems.iter().map(|problem| problem.pointer.as_str()).collect()
    }

    pub(crate) fn has(&self, path: &str, outcome: ItemOutcome) -> bool {
        self.items.iter().any(|item| item.path == path && item.outcome == outcome)
    }
}

impl Job {
    /// In a folder on a disk, not in memory, with an empty source and an empty target.
    pub(crate) fn new(kind: &'static str) -> Self {
        let folder = tempfile::tempdir_in(std::env::current_exe().unwrap().parent().unwrap()).unwrap();
        for name in ["source", "target"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let config = json!({"source": at("source"), "target": at("target")});
        Self {
            folder,
            kind,
            config,
            state: Value::Null,
            limits: Limits::default(),
            secrets: Vec::new(),
            path: std::env::var("PATH").unwrap(),
            clock: Clock::system(),
            cancelled: Cancelled::new(),
        }
    }

    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.config[key] = value;
        self
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// The same bytes but one, with the same size and time.
    pub(crate) fn flip(&self, path: &str) {
        let path = self.at(path);
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes[0] ^= 1;
        fs::write(&path, bytes).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    }

    /// A program of our own, in place of a tool.
    pub(crate) fn script(&self, name: &str, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.at(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn ask(&mut self, operation: Operation) -> Answer {
        let workdir = self.at("work");
        fs::create_dir_all(&workdir).unwrap();
        let secrets = self.secrets.iter().map(|&(name, value)| (name.to_owned(), Secret::new(value))).collect();
        let request = Request {
            job: "nightly".to_owned(),
            run: "01J".to_owned(),
            config: self.config.clone(),
            state: self.state.clone(),
            limits: self.limits,
            secrets,
            workdir: workdir.to_str().unwrap().to_owned(),
            ..Request::new(operation)
        };
        let line = serde_json::to_string(&strongroom_plugin::HostMessage::Request(Box::new(request))).unwrap() + "\n";
        let kind = BuiltIn::named(self.kind, Around::new(&self.path, self.clock.clone())).unwrap();
        let out = Output::default();
        assert_eq!(serve(&kind, io::Cursor::new(line), out.clone(), self.cancelled.clone()), 0);
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        let messages = text.lines().map(|line| serde_json::from_str::<PluginMessage>(line).unwrap());
        let (mut items, mut report) = (Vec::new(), None);
        for message in messages {
            match message {
                PluginMessage::Item(item) => items.push(item),
                PluginMessage::State(state) => self.state = state.state,
                PluginMessage::Result(result) => report = Some(*result),
                _ => {}
            }
        }
        Answer { report: report.unwrap(), items, text }
    }

    pub(crate) fn validate(&mut self) -> Answer {
        self.ask(Operation::Validate)
    }

    pub(crate) fn plan(&mut self) -> Answer {
        self.ask(Operation::Plan)
    }

    pub(crate) fn run(&mut self) -> Answer {
        self.ask(Operation::Run)
    }

    pub(crate) fn verify(&mut self) -> Answer {
        self.ask(Operation::Verify)
    }
}

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Every file below, with its bytes.
pub(crate) fn tree(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found: Vec<_> = strongroom_kinds::proof::Walk::new(root)
        .unwrap()
        .map(|entry| match entry {
            strongroom_kinds::proof::Entry::File(path) => (path.clone(), fs::read(root.join(&path)).unwrap()),
            strongroom_kinds::proof::Entry::Unreadable(path, error) => panic!("{}: {error}", path.display()),
        })
        .collect();
    found.sort();
    found
}
