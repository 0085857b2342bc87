//! A job as the configuration has it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use strongroom_model::event::{JobDefined, JobSchedule};
use strongroom_model::{Algorithm, Digest, HostName, JobName, TargetId};
use strongroom_plugin::Environment;
use strongroom_plugin::host::{Obstacle, digest_of};
use strongroom_plugin::protocol::Secret;
use strongroom_service::config::{JobSection, PLUGIN_KIND};

/// A password or key is not a key ring.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// A job as the configuration has it.
#[derive(Debug, Clone)]
pub struct JobSettings {
    /// Its name.
    pub name: JobName,
    /// Its kind.
    pub kind: String,
    /// The host that does it.
    pub host: HostName,
    /// The program that does it, and its arguments.
    pub argv: Vec<OsString>,
    /// What the plugin gets as its configuration.
    pub config: Value,
    /// The files of its secrets.
    pub secret_files: BTreeMap<String, PathBuf>,
    /// The folder of this host that is written to, if there is one.
    pub target: Option<PathBuf>,
    /// The identity that the configuration names for it.
    pub target_id: Option<TargetId>,
    /// When runs are due.
    pub schedule: JobSchedule,
    /// How old the last whole proof may be.
    pub max_age: Duration,
    /// How often copies are proven; `None`: after each run.
    pub prove_every: Option<Duration>,
    /// The delays before a run's further attempts; `None`: the site's.
    pub retry: Option<Vec<Duration>>,
    /// How many files a run may delete in the copy.
    pub max_delete: Option<u64>,
    /// How long the plugin may say nothing.
    pub stall: Duration,
    /// How long a run may take.
    pub timeout: Duration,
}

/// The folder of this host that the job writes to: its target, or the repository of a kind that keeps one.
fn written_to(section: &JobSection) -> Option<PathBuf> {
    let repository = section.settings.get("repository").and_then(Value::as_str);
    let place = section.target.as_deref().or(repository)?;
    Some(Path::new(place)).filter(|path| path.is_absolute()).map(Path::to_owned)
}

/// Why a secret cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the secret {name:?} cannot be read from {path}: {why}", path = .path.display())]
pub struct SecretError {
    /// The secret's name.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What is wrong.
    pub why: String,
}

impl JobSettings {
    /// Reads a section. `built_in` is how the program itself is started as the plugin of a built-in kind, without the
    /// kind's name.
    #[must_use]
    pub fn of(section: &JobSection, host: &HostName, site_zone: &TimeZone, built_in: &[OsString]) -> Self {
        let is_plugin = section.kind == PLUGIN_KIND;
        let argv = if is_plugin {
            section.program.iter().map(OsString::from).collect()
        } else {
            built_in.iter().cloned().chain([OsString::from(&section.kind)]).collect()
        };
        let mut config: Map<String, Value> = section.settings.clone().into_iter().collect();
        for (key, value) in [("source", &section.source), ("target", &section.target)] {
            if let Some(value) = value {
                config.entry(key).or_insert_with(|| json!(value));
            }
        }
        Self {
            name: section.name.clone(),
            kind: section.kind.clone(),
            host: section.host.clone().unwrap_or_else(|| host.clone()),
            argv,
            config: Value::Object(config),
            secret_files: section.secret_files.clone(),
            target: written_to(section),
            target_id: section.target_id,
            schedule: section.schedule(site_zone),
            max_age: section.max_age.get(),
            prove_every: section.prove.map(|every| every.get()),
            retry: section.retry.as_ref().map(|delays| delays.iter().map(|delay| delay.get()).collect()),
            max_delete: section.max_delete,
            stall: section.stall.get(),
            timeout: section.timeout.get(),
        }
    }

    /// Whether the program is not part of ours, so that a change of it is to be noticed.
    #[must_use]
    pub fn is_plugin(&self) -> bool {
        self.kind == PLUGIN_KIND
    }

    /// The digest of the program, if it is not part of ours.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub fn plugin_digest(&self, environment: &Environment) -> Result<Option<Digest>, Obstacle> {
        self.is_plugin().then(|| digest_of(&self.argv, environment)).transpose()
    }

    /// The digest of all settings, without the secrets' values and without the program's own bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let program: Vec<String> = match self.is_plugin() {
            true => self.argv.iter().map(|part| part.to_string_lossy().into_owned()).collect(),
            // Where our own program lies is no setting.
            false => Vec::new(),
        };
        let mut all = json!({
            "config": self.config,
            "host": self.host,
            "kind": self.kind,
            "max_age_s": self.max_age.as_secs(),
            "max_delete": self.max_delete,
            "name": self.name,
            "program": program,
            "prove_every_s": self.prove_every.map(|every| every.as_secs()),
            "schedule": self.schedule,
            "secret_files": self.secret_files,
            "stall_s": self.stall.as_secs(),
            "target_id": self.target_id,
            "timeout_s": self.timeout.as_secs(),
        });
        // Not for those without it, whose digests are in logs.
        if let Some(retry) = &self.retry {
            all["retry_s"] = json!(retry.iter().map(Duration::as_secs).collect::<Vec<_>>());
        }
        Digest::of(Algorithm::Sha256, all.to_string().as_bytes())
    }

    /// What the log says of the job.
    #[must_use]
    pub fn definition(&self, plugin: Option<Digest>, target: Option<TargetId>) -> JobDefined {
        JobDefined {
            digest: self.digest(),
            host: self.host.clone(),
            kind: self.kind.clone(),
            max_age_s: self.max_age.as_secs(),
            max_delete: self.max_delete,
            plugin,
            prove_every_s: self.prove_every.map(|every| every.as_secs()),
            schedule: self.schedule.clone(),
            target,
            timeout_s: self.timeout.as_secs(),
        }
    }

    /// Reads the secrets, each the first line of its file.
    ///
    /// # Errors
    /// A file cannot be read, or has no text.
    pub fn secrets(&self) -> Result<BTreeMap<String, Secret>, SecretError> {
        let read = |(name, path): (&String, &PathBuf)| {
            let bad = |why: String| SecretError { name: name.clone(), path: path.clone(), why };
            let size = std::fs::metadata(path).map_err(|error| bad(error.to_string()))?.len();
            if size > MAX_SECRET_BYTES {
                return Err(bad(format!("it is longer than {MAX_SECRET_BYTES} bytes")));
            }
            let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
            let secret = text.trim_end_matches(['\r', '\n']);
            if secret.is_empty() {
                return Err(bad("it is empty".to_owned()));
            }
            Ok((name.clone(), Secret::new(secret)))
        };
        self.secret_files.iter().map(read).collect()
    }
}
