//! How a process is doing: its log, its stages and their connection to the broker, checked at intervals for health
//! requests and the service manager.

use std::time::Duration;

use strongroom_audit::failed_mail;
use strongroom_eventlog::EventLog;
use strongroom_model::text::with_causes;
use strongroom_service::{Health, Probe, systemd};

use super::role::Role;
use crate::presence::parts::{Parts, Troubles};

const EVERY: Duration = Duration::from_secs(1);
/// How long the log may take to return its size, before it counts as unreachable.
const MAX_LOG: Duration = Duration::from_secs(5);
/// How long one round of checks may take before the process counts as stuck: a runtime whose threads are all blocked
/// makes no progress.
const STUCK_AFTER: Duration = Duration::from_secs(60);

pub(super) struct Pulse {
    turns: Probe,
    log_probe: Probe,
    /// Where a broker brings the work.
    broker: Option<Probe>,
    /// Of a process with a role that uses the drive.
    drive: Option<Probe>,
    work: Probe,
    /// Of a process that mails.
    mail_server: Option<Probe>,
    log: EventLog,
    parts: Parts,
}

impl Pulse {
    pub(super) fn new(health: &Health, log: &EventLog, parts: &Parts) -> Self {
        Self {
            turns: health.turns("process", STUCK_AFTER),
            log_probe: health.needs("log"),
            broker: parts.is_relayed().then(|| health.needs("broker")),
            drive: parts.is_any(Role::needs_drive).then(|| health.needs("drive")),
            work: health.needs("work"),
            mail_server: parts.is_any(Role::mails).then(|| health.needs("mail server")),
            log: log.clone(),
            parts: parts.clone(),
        }
    }

    /// For ever.
    pub(super) async fn beat(self) {
        let mut told = String::new();
        loop {
            self.turns.well();
            let trouble = self.log_trouble().await;
            let reachable = f64::from(u8::from(trouble.is_none()));
            metrics::gauge!("strongroom_log_reachable", "site" => self.log.site().to_string()).set(reachable);
            tell(&self.log_probe, trouble);
            let Troubles { broker, drive, work } = self.parts.troubles();
            self.broker.iter().for_each(|probe| tell(probe, broker.clone()));
            self.drive.iter().for_each(|probe| tell(probe, drive.clone()));
            tell(&self.work, work);
            self.look_at_mails().await;
            let status = self.parts.status();
            if status != told {
                systemd::status(&status);
                told = status;
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Why the log cannot be read, or was not written when it was last to be.
    async fn log_trouble(&self) -> Option<String> {
        match tokio::time::timeout(MAX_LOG, self.log.head()).await {
            Ok(Ok(_)) => Some(self.log.unwritable()?.borrow().as_ref()?.reason.clone()),
            Ok(Err(error)) => Some(with_causes(&error)),
            Err(_) => Some(format!("no answer within {} s", MAX_LOG.as_secs())),
        }
    }

    /// By the last attempt to send: a mail sent only as a test would bother somebody.
    async fn look_at_mails(&self) {
        let Some(probe) = &self.mail_server else { return };
        // Where the log cannot be read, its own probe says so.
        if let Ok(Ok(failed)) = tokio::time::timeout(MAX_LOG, failed_mail(&self.log)).await {
            tell(probe, failed);
        }
    }
}

fn tell(probe: &Probe, trouble: Option<String>) {
    match trouble {
        None => probe.well(),
        Some(why) => probe.bad(why),
    }
}
