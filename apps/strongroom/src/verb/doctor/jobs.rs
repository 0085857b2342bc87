//! What is looked at for backup jobs: their sources, targets, secrets and plugins.

use std::path::PathBuf;

use serde_json::Value;
use strongroom_jobs::JobSettings;
use strongroom_jobs::target::Target;
use strongroom_model::text::with_causes;
use strongroom_service::{Config, blocking};

use super::check::Check;
use crate::jobs;

/// One check for each job of this host: the first thing that is in its way.
pub(super) async fn jobs(config: &Config) -> Vec<Check> {
    let environment = jobs::plugins(config).environment;
    let settings = jobs::settings(config);
    let look = move || settings.values().map(|job| check(job, &environment)).collect();
    blocking(look).await
}

fn check(job: &JobSettings, environment: &strongroom_plugin::Environment) -> Check {
    let name = &job.name;
    let bad = |why: String, step: &str| Check::bad("job", format!("{name}: {why}"), step);
    if let Err(error) = job.secrets() {
        return bad(error.to_string(), "put the secret there, readable for the user that runs strongroom");
    }
    if let Err(obstacle) = job.plugin_digest(environment) {
        return bad(with_causes(&obstacle), obstacle.next_step());
    }
    if let Some(source) = local_source(job).filter(|source| !source.exists()) {
        return bad(format!("its source {} is not there", source.display()), "mount it, or correct `source`");
    }
    match job.target.as_deref().map(|folder| Target::expected(folder, job.target_id)) {
        Some(Err(error)) => bad(with_causes(&error), error.next_step()),
        Some(Ok(target)) => {
            Check::well("job", format!("{name}: its target is {:?} ({})", target.identity.label, target.identity.id))
        }
        None => Check::well("job", format!("{name}: it writes to no folder of this host")),
    }
}

fn local_source(job: &JobSettings) -> Option<PathBuf> {
    let source = PathBuf::from(job.config.get("source").and_then(Value::as_str)?);
    source.is_absolute().then_some(source)
}
