//! How each stage is made from the configuration.

use std::sync::Arc;

use jiff::SignedDuration;
use strongroom_audit::evidence::Prover;
use strongroom_bus::broker::Broker;
use strongroom_bus::{Alarms, Delivery, Pace, RelayPace, RelayWiring, RetryPolicy, Wiring};
use strongroom_eventlog::EventLog;
use strongroom_fetch::{Fetch, FetchSettings};
use strongroom_model::StageName;
use strongroom_model::presence::RELAY;
use strongroom_purge::{PurgeSettings, Purger};
use strongroom_service::actor::actor_named;
use strongroom_service::config::Require;
use strongroom_service::{Clock, Config, Shutdown, actor};
use strongroom_source::Source;
use strongroom_verify::{Verify, VerifySettings};
use tokio_util::sync::CancellationToken;

use super::mount::Mount;
use crate::drive_report;

pub(crate) fn wiring(
    config: &Config,
    log: &EventLog,
    delivery: Delivery,
    clock: &Clock,
    stop: &CancellationToken,
    shutdown: &Shutdown,
) -> Wiring {
    Wiring {
        log: log.clone(),
        delivery,
        clock: clock.clone(),
        retry: retry(config),
        pace: Pace::default(),
        stop: stop.clone(),
        abort: shutdown.abort(),
    }
}

pub(crate) fn relay(
    config: &Config,
    log: &EventLog,
    broker: &Broker,
    clock: &Clock,
    stop: &CancellationToken,
) -> RelayWiring {
    RelayWiring {
        log: log.clone(),
        broker: broker.clone(),
        clock: clock.clone(),
        retry: retry(config),
        actor: actor_named(RELAY),
        pace: RelayPace::default(),
        stop: stop.clone(),
    }
}

pub(crate) fn retry(config: &Config) -> RetryPolicy {
    let delays = config.retry.delays.iter().map(|delay| delay.get()).collect();
    let chosen = config.job.iter().filter_map(|job| job.retry.as_ref()).flatten().map(|delay| delay.get()).max();
    RetryPolicy { delays, max_attempts: config.retry.max_attempts, chosen: chosen.unwrap_or_default() }
}

/// Without a prover, the server must believe marks without proof.
pub(crate) fn purger(
    config: &Config,
    log: &EventLog,
    clock: &Clock,
    source: &Source,
    prover: Option<Arc<Prover>>,
) -> Purger {
    let fresh = config.custody.evidence_fresh_for.get();
    let settings = PurgeSettings { evidence_fresh_for: SignedDuration::try_from(fresh).unwrap_or(SignedDuration::MAX) };
    Purger::new(log.clone(), clock.clone(), actor(StageName::Purge), source.clone(), settings, prover)
}

pub(super) fn fetch(config: &Config, mount: &Mount, source: &Source, clock: &Clock) -> Fetch {
    let settings = FetchSettings {
        site: config.site.clone(),
        root: mount.root.clone(),
        expect: config.drive.id,
        reserve: config.drive.reserve,
        concurrency: config.fetch.concurrency as usize,
        batch: config.fetch.batch as usize,
        zone: config.zone(),
        bags: mount.bags.clone(),
    };
    Fetch::new(settings, source.clone(), clock.clone()).admitted_by(mount.admission.clone())
}

pub(super) fn verify(config: &Config, mount: &Mount, log: &EventLog, clock: &Clock) -> Verify {
    let settings = VerifySettings {
        root: mount.root.clone(),
        expect: config.drive.id,
        device_only: config.verify.require == Require::Device,
        reads: config.verify.concurrency as usize,
        batch: config.verify.batch as usize,
        zone: config.zone(),
        others: drive_report::disks_not_to_share(Some(config)),
        bags: mount.bags.clone(),
    };
    let alarms = Alarms::new(log.clone(), clock.clone(), actor(StageName::Verify));
    Verify::new(settings, log.clone(), clock.clone(), alarms).admitted_by(mount.admission.clone())
}
