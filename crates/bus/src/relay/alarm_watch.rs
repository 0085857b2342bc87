//! The relay's alarms: each follows a condition.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use strongroom_model::event::{AlarmKey, AlarmRaised};
use strongroom_model::text::with_causes;
use strongroom_model::{AlarmKind, SiteId};
use tokio::time::{Instant, sleep};

use crate::alarms::{AlarmError, Alarms};
use crate::broker::Broker;

use super::pace::RelayPace;
use super::status::{RelayStatus, SharedStatus};

const CHECK_EVERY: Duration = Duration::from_secs(1);

const BROKER: &str = "broker";

/// `None`: unknown now; the alarm stays as it is.
type Holds = Option<bool>;

pub(super) struct AlarmWatch {
    alarms: Alarms,
    site: SiteId,
    place: String,
    pace: RelayPace,
    status: Arc<SharedStatus>,
    silent_since: Option<Instant>,
    /// What is known to be raised or cleared: that needs no read of the log.
    known: BTreeMap<AlarmKey, bool>,
}

impl AlarmWatch {
    pub(super) fn new(alarms: Alarms, broker: &Broker, pace: RelayPace, status: Arc<SharedStatus>) -> Self {
        Self {
            alarms,
            site: broker.site().clone(),
            place: broker.place(),
            pace,
            status,
            silent_since: Some(Instant::now()),
            known: BTreeMap::new(),
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            for (alarm, holds) in self.conditions() {
                self.follow(alarm, holds).await;
            }
            sleep(CHECK_EVERY.min(self.pace.inspect)).await;
        }
    }

    fn conditions(&mut self) -> Vec<(AlarmRaised, Holds)> {
        let status = self.status.clone();
        let status = status.lock();
        let takes = status.publisher.as_ref().is_some_and(|publisher| publisher.is_open()) && !status.is_blocked();
        if takes {
            self.silent_since = None;
        } else {
            self.silent_since.get_or_insert_with(Instant::now);
        }
        let active = f64::from(u8::from(status.active));
        metrics::gauge!("strongroom_relay_active", "site" => self.site.to_string()).set(active);
        let mut conditions = vec![self.unreachable(&status)];
        if status.active {
            if status.filled_at.is_some() {
                conditions.push(self.topology(&status));
            }
            conditions.extend(status.parked.map(|parked| self.parked(parked)));
        }
        conditions
    }

    fn unreachable(&self, status: &RelayStatus) -> (AlarmRaised, Holds) {
        let holds = match self.silent_since {
            None => Some(false),
            Some(since) if since.elapsed() >= self.pace.unreachable_after => Some(true),
            Some(_) => None,
        };
        let why = match &status.unreachable {
            Some(why) => why.clone(),
            None if status.is_blocked() => "it takes nothing for now, because it is short of memory or disk".to_owned(),
            None => "it does not answer".to_owned(),
        };
        let alarm = AlarmRaised {
            kind: AlarmKind::BrokerUnreachable,
            subject: BROKER.to_owned(),
            message: format!("nothing can be published to the broker at {}: {why}", self.place),
            next_step: "see that RabbitMQ runs and has memory and disk (`rabbitmqctl status`); work goes on by itself when it does"
                .to_owned(),
        };
        (alarm, holds)
    }

    fn topology(&self, status: &RelayStatus) -> (AlarmRaised, Holds) {
        let (wrong, next_step) = match (&status.topology, &status.stuck) {
            (Some(wrong), _) => {
                (Some(wrong.clone()), "run `strongroom topology apply` as a user who may declare queues")
            }
            (None, stuck) => (
                stuck.as_ref().map(|queue| format!("{queue} gives no answer")),
                "see whether its node is up; if it is, delete the queue (`rabbitmqctl delete_queue`): it is declared and filled again from the log",
            ),
        };
        let holds = Some(wrong.is_some());
        let alarm = AlarmRaised {
            kind: AlarmKind::BrokerTopology,
            subject: BROKER.to_owned(),
            message: format!("the queues at {} are not in order: {}", self.place, wrong.unwrap_or_default()),
            next_step: next_step.to_owned(),
        };
        (alarm, holds)
    }

    fn parked(&self, parked: u32) -> (AlarmRaised, Holds) {
        metrics::gauge!("strongroom_parked_messages", "site" => self.site.to_string()).set(f64::from(parked));
        let alarm = AlarmRaised {
            kind: AlarmKind::MessageParked,
            subject: "parked".to_owned(),
            message: "messages that no worker could use were put aside; no work is lost by that, the log has all of it"
                .to_owned(),
            next_step:
                "look at them with `strongroom queue parked`, then `strongroom queue replay` or `strongroom queue drop`"
                    .to_owned(),
        };
        (alarm, Some(parked > 0))
    }

    async fn follow(&mut self, alarm: AlarmRaised, holds: Holds) {
        let key = AlarmKey::new(alarm.kind, &alarm.subject);
        let Some(holds) = holds.filter(|holds| self.known.get(&key) != Some(holds)) else { return };
        match self.change(&alarm, &key, holds).await {
            Ok(true) => {
                self.known.insert(key, holds);
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(alarm = %key, error = %with_causes(&error),
                "the relay's alarm could not be changed: trying again"),
        }
    }

    /// `false`: it flaps, and stays raised for now.
    async fn change(&self, alarm: &AlarmRaised, key: &AlarmKey, holds: bool) -> Result<bool, AlarmError> {
        if !holds {
            return Ok(self.alarms.clear(key, "it is in order again", None).await?.is_over());
        }
        self.alarms.raise(alarm, None).await?;
        Ok(true)
    }
}
