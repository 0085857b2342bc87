//! One operation of a job's plugin.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use strongroom_model::event::JobDetail;
use strongroom_model::{ByteCount, Digest, JobName, JobRunId};
use strongroom_plugin::host::{Detail, Obstacle, run};
use strongroom_plugin::protocol::{Operation, Request};
use strongroom_plugin::{Bounds, Ended, Environment, Launch, Notice};
use tokio_util::sync::CancellationToken;

use crate::keeper::WORK;
use crate::settings::{JobSettings, SecretError};

/// What plugins on this host are started with.
#[derive(Debug, Clone)]
pub struct Plugins {
    /// The data folder: logs and locks are in `jobs/` below it.
    pub data_dir: PathBuf,
    /// The plugins' environment.
    pub environment: Environment,
    /// How this program is started as the plugin of a built-in kind, without the kind's name.
    pub built_in: Vec<OsString>,
    /// How long a plugin may take to end: first after the `cancel` message, and then after SIGTERM.
    pub patience: Duration,
}

/// What an operation is done with.
#[derive(Debug, Clone, Copy)]
pub struct Invocation<'a> {
    /// The operation.
    pub operation: Operation,
    /// The run, unless it is done beside one.
    pub run: Option<JobRunId>,
    /// What the plugin remembered.
    pub state: Option<&'a str>,
    /// The digest of the plugin that was accepted.
    pub accepted: Option<&'a Digest>,
}

/// Why an operation was not started.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// The plugin cannot be started.
    #[error(transparent)]
    Plugin(#[from] Obstacle),
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl NotStarted {
    /// What a person can do.
    #[must_use]
    pub const fn next_step(&self) -> &'static str {
        match self {
            Self::Plugin(obstacle) => obstacle.next_step(),
            Self::Secret(_) => "write the secret into that file, readable by the service's user",
        }
    }
}

/// How an operation ended.
#[derive(Debug)]
pub struct Done {
    /// What came of it.
    pub ended: Ended,
    /// The plugin's own log.
    pub detail: Option<JobDetail>,
}

impl Plugins {
    /// A job's folder.
    #[must_use]
    pub fn folder(&self, job: &JobName) -> PathBuf {
        self.data_dir.join("jobs").join(job.as_str())
    }

    /// Where the log of a run's operation is.
    #[must_use]
    pub fn log(&self, job: &JobName, run: JobRunId, operation: Operation) -> PathBuf {
        operation_log(&self.data_dir.join("jobs"), job, run, operation)
    }

    /// Does an operation.
    ///
    /// # Errors
    /// It was not started: nothing was done.
    pub async fn run(
        &self,
        job: &JobSettings,
        invocation: Invocation<'_>,
        cancel: &CancellationToken,
        notice: &mut (dyn FnMut(Notice) + Send),
    ) -> Result<Done, NotStarted> {
        let mut launch = Launch::new(job.argv.clone(), self.environment.clone(), self.data_dir.join("jobs").join(WORK));
        launch.accepted = invocation.accepted.cloned();
        launch.detail = invocation.run.map(|run| self.log(&job.name, run, invocation.operation));
        let mut request = Request::new(invocation.operation);
        request.job = job.name.to_string();
        request.run = invocation.run.map(|run| run.to_string()).unwrap_or_default();
        request.config = job.config.clone();
        request.secrets = job.secrets()?;
        // What a plugin cannot read of its own state it must do without.
        request.state = invocation.state.and_then(|state| serde_json::from_str(state).ok()).unwrap_or(Value::Null);
        request.limits.max_delete = job.max_delete.unwrap_or_default();
        let ended = run(&launch, request, &self.bounds(job, invocation.operation), cancel, notice).await?;
        let detail = ended.detail.as_ref().map(|detail| recorded(&self.data_dir, detail));
        Ok(Done { ended, detail })
    }

    fn bounds(&self, job: &JobSettings, operation: Operation) -> Bounds {
        let mut bounds = Bounds::of(operation);
        if matches!(operation, Operation::Run | Operation::Verify) {
            (bounds.stall, bounds.total) = (job.stall, job.timeout);
        }
        (bounds.cancel_line, bounds.terminate) = (self.patience, self.patience);
        bounds
    }
}

/// Where the log of a run's operation is, below the folder of all jobs.
pub(crate) fn operation_log(jobs: &Path, job: &JobName, run: JobRunId, operation: Operation) -> PathBuf {
    jobs.join(job.as_str()).join(format!("{run}.{}.log", operation.name()))
}

/// What the event log keeps of a file. Its path is below the data folder, which may be moved.
pub(crate) fn recorded(data_dir: &Path, detail: &Detail) -> JobDetail {
    JobDetail {
        path: detail.path.strip_prefix(data_dir).unwrap_or(&detail.path).to_string_lossy().into_owned(),
        sha256: detail.sha256.clone(),
        size_bytes: ByteCount(detail.size_bytes),
        truncated: detail.is_truncated,
    }
}
