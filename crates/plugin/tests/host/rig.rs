//! Plugins written in a line of shell, and a host with short times.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use strongroom_plugin::host::{Bounds, Ended, Environment, Launch, Notice, Obstacle, run};
use strongroom_plugin::protocol::{Operation, Outcome, Request, Secret};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Reads the request, and greets.
pub(crate) const HELLO: &str = r#"read -r ask; echo '{"type":"hello","protocol":1,"name":"test","version":"1"}'"#;
pub(crate) const DONE: &str = r#"echo '{"type":"result","outcome":"done","sentence":"As said."}'"#;

pub(crate) struct Rig {
    pub(crate) folder: TempDir,
    pub(crate) launch: Launch,
    pub(crate) request: Request,
    pub(crate) bounds: Bounds,
    pub(crate) cancel: CancellationToken,
    pub(crate) notices: Vec<Notice>,
}

impl Rig {
    /// A plugin that is this script.
    pub(crate) fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plugin.sh");
        fs::write(&file, script).unwrap();
        let mut launch = Launch::new(
            vec![OsString::from("sh"), file.into()],
            Environment::of(std::env::vars_os()),
            folder.path().join("workdirs"),
        );
        launch.detail = Some(folder.path().join("detail.log"));
        let mut request = Request::new(Operation::Run);
        (request.job, request.run) = ("files-to-nas".to_owned(), "01J".to_owned());
        request.secrets.insert("password".to_owned(), Secret::new("hunter2/ö"));
        let bounds = Bounds {
            hello: Duration::from_secs(10),
            total: Duration::from_secs(60),
            cancel_line: Duration::from_millis(300),
            terminate: Duration::from_millis(300),
            linger: Duration::from_millis(300),
            drain: Duration::from_millis(300),
            workdir_look: Duration::from_millis(50),
            ..Bounds::of(Operation::Run)
        };
        Self { folder, launch, request, bounds, cancel: CancellationToken::new(), notices: Vec::new() }
    }

    pub(crate) fn with(mut self, set: impl FnOnce(&mut Self)) -> Self {
        set(&mut self);
        self
    }

    pub(crate) async fn try_run(&mut self) -> Result<Ended, Obstacle> {
        let notices = &mut self.notices;
        run(&self.launch, self.request.clone(), &self.bounds, &self.cancel, &mut |notice| notices.push(notice)).await
    }

    pub(crate) async fn run(&mut self) -> Ended {
        self.try_run().await.unwrap()
    }

    /// What was written of the run.
    pub(crate) fn detail(&self) -> String {
        fs::read_to_string(self.folder.path().join("detail.log")).unwrap()
    }

    /// What is left in the folder of working directories.
    pub(crate) fn workdirs(&self) -> Vec<PathBuf> {
        let left = fs::read_dir(self.folder.path().join("workdirs")).unwrap();
        left.map(|entry| entry.unwrap().path()).collect()
    }
}

/// Outcome and cause.
pub(crate) fn verdict(ended: &Ended) -> (Outcome, &str) {
    let report = &ended.verdict.report;
    (report.outcome, report.cause.as_deref().unwrap_or_default())
}

/// Runs a script that greets first.
pub(crate) async fn greeted(script: &str) -> (Ended, Rig) {
    let mut rig = Rig::new(&format!("{HELLO}\n{script}\n"));
    let ended = rig.run().await;
    (ended, rig)
}
