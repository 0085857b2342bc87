//! Backup jobs, as verbs and processes do them; [`act`] requests runs and sees them through.

pub(crate) mod act;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;

use jiff::Timestamp;
use strongroom_eventlog::EventLog;
use strongroom_jobs::{JobKeeper, JobSettings, KeptLogs, Plugins, StageParts};
use strongroom_model::JobName;
use strongroom_model::presence::Seen;
use strongroom_monitor::{Expectations, Monitor};
use strongroom_plugin::Environment;
use strongroom_service::actor::actor_named;
use strongroom_service::{Clock, Config};
use tokio_util::sync::CancellationToken;

use crate::process::role::MONITOR;

/// The part of a process that keeps jobs' schedules.
const KEEPER: &str = "jobs";

/// The jobs of this host.
pub(crate) fn settings(config: &Config) -> BTreeMap<JobName, JobSettings> {
    let (host, zone, built_in) = (config.host(), config.zone(), built_in());
    let of = |section| JobSettings::of(section, &host, &zone, &built_in);
    config.own_jobs().map(of).map(|job| (job.name.clone(), job)).collect()
}

/// This program as the plugin of a built-in kind, whose name follows.
fn built_in() -> Vec<OsString> {
    // Where the system does not say where we are, a shell would find us like this.
    let program = std::env::current_exe().map_or_else(|_| "strongroom".into(), OsString::from);
    vec![program, "plugin".into(), "serve".into()]
}

pub(crate) fn plugins(config: &Config) -> Plugins {
    Plugins {
        data_dir: std::path::absolute(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone()),
        environment: Environment::of(std::env::vars_os()),
        built_in: built_in(),
        patience: config.transfer.patience.get(),
    }
}

pub(crate) fn parts(config: &Config, log: &EventLog, clock: &Clock, stop: CancellationToken) -> Arc<StageParts> {
    Arc::new(StageParts {
        log: log.clone(),
        clock: clock.clone(),
        host: config.host(),
        jobs: settings(config),
        plugins: plugins(config),
        concurrency: config.transfer.concurrency as usize,
        stop,
    })
}

pub(crate) fn keeper(config: &Config, log: &EventLog, clock: &Clock) -> JobKeeper {
    let zone = config.zone().iana_name().unwrap_or("UTC").to_owned();
    let Plugins { environment, data_dir, .. } = plugins(config);
    let logs = KeptLogs { folder: data_dir.join("jobs"), keep: config.transfer.keep_logs.get() };
    JobKeeper::new(log, clock, actor_named(KEEPER), config.host(), zone, settings(config), environment, logs)
}

pub(crate) async fn monitor(config: &Config, log: &EventLog, clock: &Clock) -> Monitor {
    let expected = Expectations {
        grace: config.watch.job_grace.get(),
        host_silent_after: config.watch.host_silent_after.get(),
        evidence_fresh_for: config.custody.evidence_fresh_for.get(),
        zone: config.zone(),
    };
    let looked_at = looked_at(log, clock).await;
    let silent_after = config.watch.monitor_silent_after.get();
    Monitor::new(log, clock, actor_named(MONITOR), expected, silent_after, looked_at)
}

/// When a process with a monitor last gave a sign of life; `None`: none did, or signs cannot be read.
async fn looked_at(log: &EventLog, clock: &Clock) -> Option<Timestamp> {
    let signs = log.signs().await.ok()?;
    let watches = |seen: &&Seen| seen.sign.parts.iter().any(|part| part.role == MONITOR);
    let age = signs.iter().filter(watches).map(|seen| seen.age.abs()).min()?;
    clock.now().checked_sub(age).ok()
}
