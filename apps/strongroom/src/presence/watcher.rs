//! Alarms about what is missing. Every process of a site checks, so that any one that is alive raises them: the append
//! decides which one does, and the others find it raised.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use strongroom_audit::Figures;
use strongroom_bus::Alarms;
use strongroom_bus::broker::QueueName;
use strongroom_eventlog::EventLog;
use strongroom_model::event::{AlarmKey, AlarmRaised, ClearedBy};
use strongroom_model::presence::{Missing, RELAY, Seen, active_relays, missing, several};
use strongroom_model::text::shown;
use strongroom_model::{AlarmKind, Partition, StageName};
use strongroom_service::actor::actor_named;
use strongroom_service::{Clock, Config};
use tokio::time::Instant;

use super::backlog::Backlog;
use super::{gauges, raised};
use crate::cli_error::CliError;

/// How many pages of the work that is bound to a drive or host are looked through at each look.
const PAGES: usize = 1;

/// For how many intervals of its signs a relay that has died shows beside the one that took over.
const TAKEOVER_SIGNS: u32 = 5;

/// Looks whether everybody is there whom the work needs.
#[derive(Debug)]
pub(crate) struct Watcher {
    log: EventLog,
    clock: Clock,
    alarms: Alarms,
    zone: TimeZone,
    no_worker_after: Duration,
    no_relay_after: Duration,
    backlog: Backlog,
    figures: Figures,
    /// Since when each has been missing, as far as this process has seen.
    since: BTreeMap<(String, Option<Partition>), Instant>,
    /// How long several relays may show at once.
    many_relays_after: Duration,
    many_since: Option<Instant>,
}

impl Watcher {
    pub(crate) fn new(config: &Config, log: &EventLog, clock: &Clock, verb: &str) -> Self {
        Self {
            log: log.clone(),
            clock: clock.clone(),
            alarms: Alarms::new(log.clone(), clock.clone(), actor_named(verb)),
            zone: config.zone(),
            no_worker_after: config.watch.no_worker_after.get(),
            no_relay_after: config.watch.no_relay_after.get(),
            backlog: Backlog::default(),
            figures: Figures::of(log),
            since: BTreeMap::new(),
            many_relays_after: config.watch.no_relay_after.get() + config.watch.every.get() * TAKEOVER_SIGNS,
            many_since: None,
        }
    }

    /// Raises what has been missing for long enough, and clears what is there again.
    pub(crate) async fn look(&mut self) {
        self.figures.take(self.clock.now().as_second()).await;
        if let Err(error) = self.try_look().await {
            tracing::debug!(reason = error.sentence(), "it cannot be seen whether a process is missing");
        }
    }

    /// The log is not there: nothing can be seen.
    pub(crate) fn blind(&mut self) {
        self.figures.age();
    }

    async fn try_look(&mut self) -> Result<(), CliError> {
        let now = self.clock.now();
        // Before the signs: what another process clears after we have read them would else be raised again.
        let raised = raised(&self.log, |kind| kind.cleared_by() == ClearedBy::Watch).await?;
        let signs = self.log.signs().await?;
        let work = self.backlog.look(&self.log, now, PAGES).await?;
        let missing = missing(&signs, &work, true, now);
        gauges::presence(self.log.site(), &signs, &missing, now);
        self.since
            .retain(|(role, partition), _| missing.iter().any(|one| one.role == *role && one.partition == *partition));
        let mut keys = Vec::with_capacity(missing.len());
        for one in &missing {
            let since = *self.since.entry((one.role.clone(), one.partition.clone())).or_insert_with(Instant::now);
            let patience = if one.role == RELAY { self.no_relay_after } else { self.no_worker_after };
            let key = self.key(one);
            if since.elapsed() >= patience && !raised.contains(&key) {
                self.alarms.raise(&self.alarm(one), None).await?;
            }
            keys.push(key);
        }
        if let Some(alarm) = many_relays(&signs) {
            if self.many_since.get_or_insert_with(Instant::now).elapsed() >= self.many_relays_after {
                self.alarms.raise(&alarm, None).await?;
            }
            keys.push(AlarmKey::new(alarm.kind, &alarm.subject));
        } else {
            self.many_since = None;
        }
        for key in &raised {
            if !keys.contains(key) {
                self.alarms.clear(key, over(key.kind), None).await?;
            }
        }
        Ok(())
    }

    fn key(&self, missing: &Missing) -> AlarmKey {
        let queue =
            missing.stage().and_then(|stage| QueueName::stage(self.log.site(), stage, missing.partition.as_ref()));
        match queue {
            Some(queue) => AlarmKey::new(AlarmKind::NoWorker, queue),
            None => AlarmKey::new(AlarmKind::NoRelay, RELAY),
        }
    }

    fn alarm(&self, missing: &Missing) -> AlarmRaised {
        let AlarmKey { kind, subject } = self.key(missing);
        let is_needed_always = [RELAY, StageName::Notify.name()].contains(&missing.role.as_str());
        let sentence = missing.sentence(|at| shown(at, &self.zone));
        AlarmRaised {
            kind,
            subject,
            message: if is_needed_always { sentence } else { format!("work waits, and {sentence}") },
            next_step: missing.next_step(),
        }
    }
}

fn many_relays(signs: &[Seen]) -> Option<AlarmRaised> {
    let kind = AlarmKind::ManyRelays;
    several(&active_relays(signs)).map(|message| AlarmRaised {
        kind,
        subject: RELAY.to_owned(),
        message,
        next_step: kind.step().to_owned(),
    })
}

const fn over(kind: AlarmKind) -> &'static str {
    match kind {
        AlarmKind::NoRelay => "a relay publishes work again",
        AlarmKind::ManyRelays => "only one relay publishes work",
        _ => "a worker takes the work again, or nothing waits any more",
    }
}
