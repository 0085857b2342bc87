//! Signs of life: this process reports again and again that it is alive, and checks whether others are missing.

pub(crate) mod backlog;
mod gauges;
pub(crate) mod parts;
pub(crate) mod present;
pub(crate) mod watcher;

use std::time::Duration;

use strongroom_audit::RAISED;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::event::AlarmKey;
use strongroom_model::presence::{Part, PartState, Sign};
use strongroom_model::text::printable;
use strongroom_model::{AlarmKind, Partition, SubjectKind};
use strongroom_service::actor::actor_named;
use strongroom_service::{Clock, Config};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use self::parts::WAITS_CHARS;
use self::watcher::Watcher;

/// How often to check whether a part's state has changed, so that a sign is not stale for a whole interval.
const LOOK_FOR_CHANGE: Duration = Duration::from_secs(1);
const MAX_ALARMS: usize = 1024;
/// Without the last sign the process counts as gone a little later.
const MAX_LAST_SIGN: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Presence {
    log: EventLog,
    process: Uuid,
    sign: Sign,
    task: AbortOnDropHandle<()>,
}

impl Presence {
    /// Gives signs from now on; `parts` reports the state. With a watcher, it also checks for others.
    pub(crate) fn start(
        config: &Config,
        log: &EventLog,
        clock: &Clock,
        verb: &str,
        parts: impl Fn() -> Vec<Part> + Send + 'static,
        watcher: Option<Watcher>,
    ) -> Self {
        let every = config.watch.every.get();
        let sign = Sign {
            actor: actor_named(verb),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since: clock.now(),
            every_s: u32::try_from(every.as_secs()).unwrap_or(u32::MAX).max(1),
            has_ended: false,
            cannot_record: None,
            parts: Vec::new(),
        };
        let process = Uuid::new_v4();
        let giving = give(log.clone(), process, sign.clone(), every, parts, watcher);
        Self { log: log.clone(), process, sign, task: AbortOnDropHandle::new(tokio::spawn(giving)) }
    }

    pub(crate) async fn end(self, parts: Vec<Part>) {
        self.task.abort();
        let last = Sign { has_ended: true, parts, ..self.sign };
        if let Ok(Err(error)) = timeout(MAX_LAST_SIGN, self.log.give_sign(self.process, &last)).await {
            tracing::debug!(%error, "the last sign of life could not be given");
        }
    }
}

/// Runs for ever. A sign that cannot be given is missed by the others, as it should be.
async fn give(
    log: EventLog,
    process: Uuid,
    sign: Sign,
    every: Duration,
    parts: impl Fn() -> Vec<Part>,
    mut watcher: Option<Watcher>,
) {
    loop {
        let next = Instant::now() + every;
        let now = standing(&log, &sign, parts());
        let states = states(&now.parts);
        // After that the next sign is due.
        let given = timeout(every, log.give_sign(process, &now)).await;
        match given {
            Ok(Ok(())) => {
                if let Some(watcher) = &mut watcher {
                    watcher.look().await;
                }
            }
            failed => {
                tracing::debug!(?failed, "a sign of life could not be given");
                watcher.iter_mut().for_each(Watcher::blind);
                // What keeps a sign from being written may keep events from it as well, and nobody else may find out.
                let _ = timeout(every, log.probe_write()).await;
            }
        }
        while Instant::now() < next {
            sleep_until(next.min(Instant::now() + LOOK_FOR_CHANGE)).await;
            if self::states(&standing(&log, &sign, parts()).parts) != states {
                break;
            }
        }
    }
}

/// A change of these gives a sign at once. The words of what a part waits for may change with each look.
fn states(parts: &[Part]) -> Vec<(String, Option<Partition>, PartState)> {
    parts.iter().map(|part| (part.role.clone(), part.partition.clone(), part.state)).collect()
}

/// Where nothing can be recorded, no part can work.
fn standing(log: &EventLog, sign: &Sign, parts: Vec<Part>) -> Sign {
    let reason = log.unwritable().and_then(|found| Some(found.borrow().as_ref()?.reason.clone()));
    let Some(reason) = reason.map(|reason| printable(&reason, WAITS_CHARS)) else {
        return Sign { parts, ..sign.clone() };
    };
    let why = printable(&format!("nothing can be recorded in the log: {reason}"), WAITS_CHARS);
    let cut = |part| Part { state: PartState::Cut, waits_for: Some(why.clone()), ..part };
    Sign { parts: parts.into_iter().map(cut).collect(), cannot_record: Some(reason), ..sign.clone() }
}

pub(crate) async fn raised(log: &EventLog, is_such: impl Fn(AlarmKind) -> bool) -> Result<Vec<AlarmKey>, LogError> {
    let heads = log.newest(SubjectKind::Alarm, MAX_ALARMS).await?;
    let raised = heads.iter().filter(|head| head.status.as_ref().is_some_and(|status| status.as_str() == RAISED));
    let key = |id: &str| {
        let (code, subject) = id.split_once('.')?;
        Some(AlarmKey::new(AlarmKind::of_code(code)?, subject))
    };
    Ok(raised.filter_map(|head| key(head.stream.id())).filter(|key| is_such(key.kind)).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::run::testing::Site;

    async fn state(site: &Site) -> Option<PartState> {
        site.log.signs().await.unwrap().first().and_then(|seen| Some(seen.sign.parts.first()?.state))
    }

    /// Waits for it for half of an interval.
    async fn until(site: &Site, wanted: PartState) {
        let seen = async {
            while state(site).await != Some(wanted) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(60), seen).await.unwrap();
    }

    #[tokio::test]
    async fn r8_a_part_that_changes_is_seen_before_the_next_sign_is_due() {
        let site = Site::new().await;
        let config = site.config("[watch]\nevery = \"2m\"\n");
        let works = Arc::new(AtomicBool::new(false));
        let shown = works.clone();
        let parts = move || {
            let state = if shown.load(Ordering::Relaxed) { PartState::Working } else { PartState::Paused };
            vec![Part { role: "fetch".to_owned(), partition: None, state, alarm: None, waits_for: None }]
        };
        let presence = Presence::start(&config, &site.log, &site.clock, "run", parts, None);
        until(&site, PartState::Paused).await;
        works.store(true, Ordering::Relaxed);
        until(&site, PartState::Working).await;
        drop(presence);
    }
}
