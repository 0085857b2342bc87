//! The broker: where it is, what this site needs there, and which drives that is about.

use strongroom_bus::broker::{Broker, BrokerError, BrokerSettings, Topology};
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::{DriveId, HostName, Partition, StageName, SubjectKind};
use strongroom_service::Config;
use strongroom_service::actor::host_name;
use strongroom_service::config::{Secret, ServiceUrl, Telemetry};

use crate::cli_error::{CliError, ErrorContext as _};

/// The target of the broker client's log lines. Its errors are returned as well, and reported by code that knows what
/// they mean: a relay on standby, say.
const CLIENT: &str = "lapin";

/// How many drives of a site are looked for: each has a queue of its own.
const MAX_DRIVES: usize = 1024;
const MAX_HOSTS: usize = 1024;

/// The configured broker, for what cannot do without one. Nothing is connected to yet.
pub(crate) fn needed(config: &Config, verb: &str) -> Result<Broker, CliError> {
    let address = config.broker.needed_address().map_err(|error| {
        CliError::from(error).next_step(
            "set broker.url in strongroom.toml, and log.url where processes on many hosts share the log;\n\
             for everything in one process, without a broker, there is `strongroom run`",
        )
    })?;
    Ok(at(config, &address, verb)?)
}

pub(crate) fn if_any(config: &Config, verb: &str) -> Result<Option<Broker>, CliError> {
    match config.broker.address()? {
        Some(address) => Ok(Some(at(config, &address, verb)?)),
        None => Ok(None),
    }
}

fn at(config: &Config, address: &ServiceUrl, verb: &str) -> Result<Broker, BrokerError> {
    let settings = BrokerSettings {
        connection_name: format!("strongroom {verb} of {} on {}", config.site, host_name()),
        heartbeat: config.broker.heartbeat.get(),
        connect_timeout: config.broker.connect_timeout.get(),
        ready_most: config.broker.ready_most,
        lease_after: config.broker.hold_after.get(),
        ..BrokerSettings::new(Secret::new(address.reveal().as_str()))
    };
    Broker::new(settings, config.site.clone())
}

/// Turns the broker client's log lines off, unless the configured level names it.
pub(crate) fn without_client(telemetry: &Telemetry) -> Telemetry {
    let mut telemetry = telemetry.clone();
    if !telemetry.level.contains(CLIENT) {
        telemetry.level += &format!(",{CLIENT}=off");
    }
    telemetry
}

pub(crate) fn vhost(broker: &Broker) -> String {
    let place = broker.place();
    let authority = place.split_once("://").map_or(place.as_str(), |(_, rest)| rest);
    let vhost = authority.split_once('/').map_or("", |(_, vhost)| vhost);
    if vhost.is_empty() { "/".to_owned() } else { vhost.to_owned() }
}

/// What the site needs on the broker: its log says which drives and hosts it has.
pub(crate) async fn topology(config: &Config, log: Option<&EventLog>, more: &[DriveId]) -> Result<Topology, CliError> {
    let mut drives: Vec<DriveId> = more.iter().copied().chain(config.drive.id).collect();
    if let Some(log) = log {
        drives.extend(drives_of(log).await.context("which drives the site has cannot be read from its log")?);
    }
    let of_drives = StageName::ALL.iter().copied().filter(|stage| stage.partitions() == Some(SubjectKind::Drive));
    let mut partitions: Vec<_> =
        of_drives.flat_map(|stage| drives.iter().map(move |drive| (stage, (*drive).into()))).collect();
    let hosts = match log {
        Some(log) => hosts_of(log).await.context("which hosts the site has cannot be read from its log")?,
        None => Vec::new(),
    };
    let of_hosts = StageName::ALL.iter().copied().filter(|stage| stage.partitions() == Some(SubjectKind::Host));
    partitions.extend(of_hosts.flat_map(|stage| hosts.iter().map(move |host| (stage, Partition::from(host)))));
    Ok(Topology::new(config.site.clone(), &partitions))
}

async fn drives_of(log: &EventLog) -> Result<Vec<DriveId>, LogError> {
    let heads = log.newest(SubjectKind::Drive, MAX_DRIVES).await?;
    Ok(heads.iter().filter_map(|head| head.stream.id().parse().ok()).collect())
}

async fn hosts_of(log: &EventLog) -> Result<Vec<HostName>, LogError> {
    let heads = log.newest(SubjectKind::Host, MAX_HOSTS).await?;
    Ok(heads.iter().filter_map(|head| head.stream.id().parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> String {
        vhost(&Broker::new(BrokerSettings::new(Secret::new(url)), "demo".parse().unwrap()).unwrap())
    }

    #[test]
    fn the_virtual_host_is_what_the_address_names() {
        assert_eq!(at("amqp://me:secret@rabbit:5673/backups"), "backups");
        assert_eq!(at("amqp://me:secret@rabbit"), "/");
        assert_eq!(at("amqp://me:secret@[::1]:5672/a%2Fb"), "a/b");
    }
}
