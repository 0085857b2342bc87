//! A stage's obstacles: one alarm for each.
//!
//! An obstacle that [`Stage::ready`](crate::Stage::ready) found is over when that succeeds. One that the work found
//! (a drive without room for the next file) may return at once: its alarm stays until a batch succeeds, or no work is
//! left.

use std::collections::BTreeMap;
use std::time::Duration;

use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::alarm::Alarm;
use strongroom_model::event::{AlarmKey, AlarmRaised, ClearedBy};
use strongroom_model::fold::fold;
use strongroom_model::text::with_causes;
use strongroom_model::{Actor, AlarmKind, Event, Recorded, StageName, StreamName, SubjectKind};

use tokio::time::Instant;

use crate::alarms::{Alarms, Cleared};
use crate::context::StageContext;

const MAX_ALARMS: usize = 4096;

/// The longest delay of a clear: it is counted by the wall clock, which may be set.
const CLEAR_RETRY: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FoundBy {
    Readiness,
    /// In this process or in an earlier one.
    Work,
}

#[derive(Debug)]
struct PendingClear {
    at: Instant,
    message: String,
}

#[derive(Debug)]
pub(crate) struct Obstacles {
    alarms: Alarms,
    stage: StageName,
    raised: BTreeMap<AlarmKey, FoundBy>,
    /// Those that are over, but flap.
    pending: BTreeMap<AlarmKey, PendingClear>,
}

impl Obstacles {
    pub(crate) fn new(context: &StageContext) -> Self {
        Self { alarms: context.alarms(), stage: context.stage, raised: BTreeMap::new(), pending: BTreeMap::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.raised.is_empty()
    }

    pub(crate) fn any_found_by_work(&self) -> bool {
        self.raised.values().any(|found| *found == FoundBy::Work)
    }

    pub(crate) fn clear_due_at(&self) -> Option<Instant> {
        self.pending.values().map(|pending| pending.at).min()
    }

    pub(crate) async fn clear_due(&mut self) {
        let now = Instant::now();
        let due: Vec<_> = self.pending.extract_if(.., |_, pending| pending.at <= now).collect();
        for (key, pending) in due {
            self.clear_one(key, pending.message).await;
        }
    }

    /// Takes over the alarms of earlier processes whose end this stage can see.
    ///
    /// Hosts change their names, and drives move: another host's alarm is taken over once no process is alive there.
    /// Returns whether some are left.
    pub(crate) async fn adopt(&mut self, context: &StageContext) -> Result<bool, LogError> {
        let mut are_left = false;
        let heads = context.log.newest(SubjectKind::Alarm, MAX_ALARMS).await?;
        for head in heads.into_iter().filter(|head| pauses(&head.stream, self.stage)) {
            let history = context.log.readable_stream(&head.stream).await?;
            let Some((key, raised_by)) = left_raised(&history, self.stage) else { continue };
            if key.kind.is_of_one_host()
                && raised_by.host() != context.actor.host()
                && is_alive(&context.log, &raised_by).await?
            {
                are_left = true;
                continue;
            }
            let found = if key.kind.cleared_by() == ClearedBy::Opening { FoundBy::Readiness } else { FoundBy::Work };
            self.raised.entry(key).or_insert(found);
        }
        Ok(are_left)
    }

    pub(crate) async fn raise(&mut self, obstacle: &AlarmRaised, found: FoundBy) {
        // Kept whether or not the log took it: clearing an alarm that is not raised does nothing.
        let key = AlarmKey::new(obstacle.kind, &obstacle.subject);
        self.pending.remove(&key);
        self.raised.entry(key).and_modify(|known| *known = found).or_insert(found);
        if let Err(error) = self.alarms.raise(obstacle, None).await {
            tracing::warn!(stage = %self.stage, error = %with_causes(&error),
                "an alarm could not be raised: trying again");
        }
    }

    /// Clears what `ready` found before and does not find now. While it finds another obstacle, only alarms whose end
    /// a check can see are cleared: a drive that was full, and is missing now, may still be full.
    pub(crate) async fn readiness_checked(&mut self, now: Option<&AlarmRaised>) {
        let key_now = now.map(|obstacle| AlarmKey::new(obstacle.kind, &obstacle.subject));
        let is_over = |key: &AlarmKey| now.is_none() || key.kind.cleared_by() == ClearedBy::Opening;
        let found_before =
            self.raised.iter().filter(|(key, found)| **found == FoundBy::Readiness && Some(*key) != key_now.as_ref());
        let over: Vec<AlarmKey> = found_before.map(|(key, _)| key.clone()).filter(is_over).collect();
        self.clear(over, now).await;
    }

    pub(crate) async fn work_succeeded(&mut self) {
        let over = self.raised.keys().cloned().collect();
        self.clear(over, None).await;
    }

    fn end_message(&self, key: &AlarmKey) -> String {
        key.cleared_message().unwrap_or_else(|| format!("{} works again", self.stage))
    }

    async fn clear(&mut self, keys: Vec<AlarmKey>, now: Option<&AlarmRaised>) {
        for key in keys {
            let message = now.map_or_else(
                || self.end_message(&key),
                |now| format!("something else is in the way now: {}", now.message),
            );
            self.clear_one(key, message).await;
        }
    }

    /// An alarm that the log does not clear stays in the list.
    async fn clear_one(&mut self, key: AlarmKey, message: String) {
        match self.alarms.clear(&key, &message, None).await {
            Ok(Cleared::Settling(wait)) => {
                self.raised.remove(&key);
                let wait = Duration::try_from(wait).unwrap_or_default().min(CLEAR_RETRY);
                self.pending.insert(key, PendingClear { at: Instant::now() + wait, message });
            }
            Ok(_) => {
                self.raised.remove(&key);
            }
            Err(error) => tracing::warn!(stage = %self.stage, error = %with_causes(&error),
                "an alarm could not be cleared: trying again"),
        }
    }
}

fn pauses(alarm: &StreamName, stage: StageName) -> bool {
    let code = alarm.id().split_once('.').map(|(code, _)| code);
    code.and_then(AlarmKind::of_code).is_some_and(|kind| kind.pauses(stage))
}

/// The alarm and who raised it, if its end is this stage's to see. One with a cause belongs to a subject and is not an
/// obstacle: a result of the stage clears it.
fn left_raised(history: &[Recorded], stage: StageName) -> Option<(AlarmKey, Actor)> {
    let alarm: Alarm = fold(history).ok()?;
    let (raised, _) = alarm.raised?;
    let by = history.iter().rev().find(|event| matches!(event.event, Event::AlarmRaised(_)))?;
    let is_ours = by.cause.is_none() && raised.kind.is_ended_by(stage, by.actor.part());
    is_ours.then(|| (AlarmKey::new(raised.kind, &raised.subject), by.actor.clone()))
}

async fn is_alive(log: &EventLog, on_host: &Actor) -> Result<bool, LogError> {
    let signs = log.signs().await?;
    Ok(signs.iter().any(|seen| seen.is_alive() && seen.sign.actor.host() == on_host.host()))
}
