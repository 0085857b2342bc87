//! Signs of life: this process says again and again that it is there, and looks whether others are missing.
//!
//! - [`parts`]: how the parts of a process stand, as others see it;
//! - [`backlog`]: which work waits, and for whom;
//! - [`present`]: who is there, and who is missing, for whoever asks;
//! - `gauges`: the same as metrics;
//! - [`watcher`]: alarms about what is missing, raised by whoever is alive.

pub(crate) mod backlog;
mod gauges;
pub(crate) mod parts;
pub(crate) mod present;
pub(crate) mod watcher;

use std::time::Duration;

use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::alarm::Alarm;
use strongroom_model::event::AlarmKey;
use strongroom_model::fold::fold;
use strongroom_model::presence::{Part, PartState, Sign};
use strongroom_model::text::printable;
use strongroom_model::{AlarmKind, SubjectKind};
use strongroom_service::actor::actor_named;
use strongroom_service::{Clock, Config};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use self::parts::WAITS_CHARS;
use self::watcher::Watcher;

/// How many alarms are looked through, the newest first.
const MAX_ALARMS: usize = 1024;
/// How long the last sign may take. Without it the process counts as gone a little later.
const MAX_LAST_SIGN: Duration = Duration::from_secs(2);

/// The signs of this process, until it is dropped.
#[derive(Debug)]
pub(crate) struct Presence {
    log: EventLog,
    process: Uuid,
    sign: Sign,
    task: AbortOnDropHandle<()>,
}

impl Presence {
    /// Gives signs from now on, in the name of that verb; `parts` says how it stands. With a watcher, others are
    /// looked for as well.
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
            parts: Vec::new(),
        };
        let process = Uuid::new_v4();
        let giving = give(log.clone(), process, sign.clone(), every, parts, watcher);
        Self { log: log.clone(), process, sign, task: AbortOnDropHandle::new(tokio::spawn(giving)) }
    }

    /// Says that this process ends in order.
    pub(crate) async fn end(self, parts: Vec<Part>) {
        self.task.abort();
        let last = Sign { has_ended: true, parts, ..self.sign };
        if let Ok(Err(error)) = timeout(MAX_LAST_SIGN, self.log.give_sign(self.process, &last)).await {
            tracing::debug!(%error, "the last sign of life could not be given");
        }
    }
}

/// For ever. A sign that cannot be given is missed by those who look, which is what it means.
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
        let now = Sign { parts: able(&log, parts()), ..sign.clone() };
        // What takes longer than until the next one is given up: its answer will not come any more.
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
            }
        }
        sleep_until(next).await;
    }
}

/// The parts, as they are where nothing can be recorded: nothing that they did would count.
fn able(log: &EventLog, parts: Vec<Part>) -> Vec<Part> {
    let unwritable = log.unwritable().and_then(|found| found.borrow().clone());
    let Some(found) = unwritable else { return parts };
    let why = printable(&format!("nothing can be recorded in the log: {}", found.reason), WAITS_CHARS);
    parts.into_iter().map(|part| Part { state: PartState::Cut, waits_for: Some(why.clone()), ..part }).collect()
}

/// The alarms of these kinds that are raised, whoever raised them.
pub(crate) async fn raised(log: &EventLog, kinds: &[AlarmKind]) -> Result<Vec<AlarmKey>, LogError> {
    let mut raised = Vec::new();
    for head in log.newest(SubjectKind::Alarm, MAX_ALARMS).await? {
        let code = head.stream.id().split('.').next().and_then(AlarmKind::of_code);
        if !code.is_some_and(|kind| kinds.contains(&kind)) {
            continue;
        }
        let history = log.readable_stream(&head.stream).await?;
        let alarm = fold::<Alarm>(&history).ok().and_then(|alarm| alarm.raised);
        raised.extend(alarm.map(|(alarm, _)| AlarmKey::new(alarm.kind, &alarm.subject)));
    }
    Ok(raised)
}
