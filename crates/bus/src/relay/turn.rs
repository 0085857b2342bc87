//! What is published into one queue at its turn.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;

use jiff::Timestamp;
use strongroom_eventlog::{LogError, Stored};
use strongroom_model::{Recorded, StageName, StreamName};
use tokio::time::{Duration, Instant, timeout};

use crate::broker::route::RoutingKey;
use crate::broker::{BrokerError, Message, Published, Publisher};
use crate::stranded::Horizon;

use super::lane::Lane;
use super::lanes::Lanes;
use super::session::{Next, Relay, Trouble};

/// How many events are read, and published, at a time: half a MiB.
const PAGE: usize = 512;

/// How many waiting retries are looked through for those that a clock that was put back has
/// left stranded.
const MAX_STRANDED: usize = 1024;

impl Relay {
    /// Publishes what is due and a page of what is pending, as far as there is room.
    pub(super) async fn turn(
        &mut self,
        publisher: &Publisher,
        lanes: &mut Lanes,
        index: usize,
    ) -> Result<Next, Trouble> {
        let lane = lanes.get_mut(index);
        if let Some(next) = self.full(publisher, lane).await? {
            // Missed for the first time: it is declared at once. After that it is tried at each look.
            let lane = lanes.get_mut(index);
            lanes.grown |= lane.missed && lane.depth.is_none() && lane.resting_until.is_none();
            return Ok(next);
        }
        let mut batch = self.due(lane).await?;
        let page = self.wiring.log.pending_stored(lane.work(), lane.cursor, PAGE).await?;
        let mut more = page.len() >= PAGE;
        for stored in page {
            let room = lanes.get_mut(index).room();
            if batch.len() >= room {
                more = true;
                break;
            }
            lanes.get_mut(index).cursor = stored.position.next();
            let Some(event) = self.wiring.log.readable(&stored) else { continue };
            let lane = lanes.get_mut(index);
            if !lane.knows(&event) {
                batch.push((event, stored));
            }
        }
        let lane = lanes.get_mut(index);
        let taken = self.publish(publisher, lane, batch).await?;
        let resting = lanes.get_mut(index).resting_until.is_some();
        lanes.grown |= !taken && !resting;
        let room = lanes.get_mut(index).room() > 0;
        let next = match (more, room) {
            (true, true) => Next::Now,
            (true, false) => Next::Soon,
            (false, _) => Next::Later,
        };
        Ok(next)
    }

    /// Asks a queue that was full, or that nothing is known of, whether it has room, but not all
    /// the time. Returns when to look again if it has none.
    async fn full(&self, publisher: &Publisher, lane: &mut Lane) -> Result<Option<Next>, Trouble> {
        let now = Instant::now();
        if lane.is_resting(now) {
            return Ok(Some(Next::Later));
        }
        lane.resting_until = None;
        if lane.room() > 0 {
            return Ok(None);
        }
        let pace = self.wiring.pace;
        // A queue that nobody takes from does not get any emptier.
        let worked_on = lane.depth.is_none_or(|depth| depth.consumers > 0);
        let (wait, next) = if worked_on { (pace.room, Next::Soon) } else { (pace.look, Next::Later) };
        if lane.asked_at.is_some_and(|at| now < at + wait) {
            return Ok(Some(next));
        }
        self.ask(publisher, lane).await?;
        Ok(if lane.room() > 0 { None } else { Some(next) })
    }

    /// Asks for a queue's depth. One that is missing rests for a while, and then is filled from
    /// the log's first position on.
    pub(super) async fn ask(&self, publisher: &Publisher, lane: &mut Lane) -> Result<(), Trouble> {
        let queue = lane.queue.clone();
        let Some(found) = self.patient(publisher, lane, publisher.depth(&queue)).await? else {
            return Ok(());
        };
        let Some(depth) = found else {
            lane.restart();
            self.missed(lane);
            return Ok(());
        };
        lane.found(depth, self.wiring.broker.settings().ready_most, Instant::now());
        let queue = lane.queue.to_string();
        metrics::gauge!("strongroom_queue_ready", "queue" => queue.clone()).set(f64::from(depth.ready));
        metrics::gauge!("strongroom_queue_consumers", "queue" => queue).set(f64::from(depth.consumers));
        Ok(())
    }

    /// Waits for a queue's answer, but not at the others' expense: one whose leader is gone says
    /// nothing for ever. `None`: it is stuck. It rests, and then is filled from the log's first
    /// position on.
    async fn patient<T>(
        &self,
        publisher: &Publisher,
        lane: &mut Lane,
        asked: impl Future<Output = Result<T, BrokerError>>,
    ) -> Result<Option<T>, Trouble> {
        let pace = self.wiring.pace;
        let mut asked = pin!(asked);
        let answer = loop {
            match timeout(pace.answer, &mut asked).await {
                // All wait alike, and the broker has said why.
                Err(_) if publisher.is_blocked() => {}
                Ok(Err(BrokerError::Silent { .. })) | Err(_) => break None,
                Ok(answer) => break Some(answer?),
            }
        };
        if answer.is_none() {
            tracing::warn!(queue = %lane.queue, "a queue gives no answer: it is left alone for a while");
            lane.restart();
            lane.stuck = true;
            lane.resting_until = Some(Instant::now() + pace.stuck);
        }
        Ok(answer)
    }

    /// A queue was not there. The first time it is declared and tried at once; after that only
    /// every now and then.
    fn missed(&self, lane: &mut Lane) {
        if lane.missed {
            lane.resting_until = Some(Instant::now() + self.wiring.pace.look);
        }
        lane.missed = true;
    }

    /// What is due now, as far as there is room.
    async fn due(&self, lane: &Lane) -> Result<Vec<(Recorded, Stored)>, LogError> {
        let now = self.wiring.clock.now();
        // Those that were published are still due, and come first: look past them.
        let due = self.wiring.log.due_stored(lane.work(), now, PAGE + lane.outstanding()).await?;
        Ok(self.unpublished(lane, due, lane.room()))
    }

    /// Those of these events that were not published yet.
    fn unpublished(&self, lane: &Lane, events: Vec<Stored>, most: usize) -> Vec<(Recorded, Stored)> {
        let mut wanted = Vec::new();
        for stored in events {
            if wanted.len() >= most {
                break;
            }
            let Some(event) = self.wiring.log.readable(&stored) else { continue };
            if !lane.knows(&event) {
                wanted.push((event, stored));
            }
        }
        wanted
    }

    /// Publishes events into a lane. `false`: its queue is not there, and all begins anew.
    async fn publish(
        &mut self,
        publisher: &Publisher,
        lane: &mut Lane,
        batch: Vec<(Recorded, Stored)>,
    ) -> Result<bool, Trouble> {
        if batch.is_empty() {
            lane.stuck = false;
            return Ok(true);
        }
        let site = self.wiring.broker.site();
        let (mut messages, mut sent) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
        for (event, stored) in batch {
            if let Some(key) = RoutingKey::of(site, &event, lane.partition.as_ref()) {
                messages.push(Message::of(&event, stored.body, key));
                sent.push((event.stream, event.position));
            }
        }
        let Some(outcomes) = self.patient(publisher, lane, publisher.publish(&messages)).await? else {
            return Ok(true);
        };
        lane.stuck = false;
        let now = Instant::now();
        let lost_at = now + self.lost_after(now);
        let (mut confirmed, mut unroutable, mut refused) = (0, 0, 0);
        for ((stream, position), outcome) in sent.into_iter().zip(outcomes) {
            match outcome {
                Published::Confirmed => {
                    self.published += 1;
                    confirmed += 1;
                    lane.published(stream, position, lost_at, self.published);
                }
                Published::Refused => {
                    refused += 1;
                    lane.refused(position, now + self.wiring.pace.poll);
                }
                Published::Unroutable => unroutable += 1,
            }
        }
        if confirmed > 0 {
            lane.refuses = false;
        } else if refused > 0 && !std::mem::replace(&mut lane.refuses, true) {
            tracing::warn!(queue = %lane.queue, refused, "a queue takes nothing: trying again until it does");
        }
        let queue = lane.queue.to_string();
        metrics::counter!("strongroom_relay_published_total", "queue" => queue.clone()).increment(confirmed);
        metrics::counter!("strongroom_relay_refused_total", "queue" => queue).increment(refused);
        if unroutable == 0 {
            lane.missed = false;
            return Ok(true);
        }
        metrics::counter!("strongroom_relay_unroutable_total").increment(unroutable);
        tracing::warn!(queue = %lane.queue, unroutable, "messages went to no queue: it is declared anew");
        lane.restart();
        self.missed(lane);
        Ok(false)
    }

    /// How long something that is published now may stay away. A broker whose node has just died confirms
    /// what it then does not have (seen on RabbitMQ 3.10.8, where a queue's leader was not chosen yet).
    fn lost_after(&self, now: Instant) -> Duration {
        let pace = self.wiring.pace;
        let in_doubt = self.connected_again.is_some_and(|at| now.saturating_duration_since(at) < pace.settles);
        if in_doubt { pace.doubt } else { pace.republish_after }
    }

    /// Looks through partitioned stages' work for partitions that have no queue yet, a page of each at a time.
    pub(super) async fn search(&self, lanes: &mut Lanes) -> Result<Next, Trouble> {
        let mut next = Next::Later;
        for stage in StageName::ALL.iter().copied().filter(|stage| stage.is_partitioned()) {
            let from = lanes.searched.get(&stage).copied().unwrap_or_default();
            let page = self.wiring.log.pending_stored(stage, from, PAGE).await?;
            let Some(last) = page.last() else { continue };
            let known = lanes.len();
            let (end, full) = (last.position.next(), page.len() >= PAGE);
            let events = page.iter().filter_map(|stored| self.wiring.log.readable(stored));
            let streams: Vec<StreamName> = events.map(|event| event.stream).collect();
            for head in self.wiring.log.heads(&streams).await?.into_values().filter(|head| head.position < end) {
                if let Some(partition) = &head.partition {
                    lanes.know(stage, partition);
                }
            }
            lanes.searched.insert(stage, end);
            if full || lanes.len() > known {
                next = Next::Now;
            }
        }
        Ok(next)
    }

    /// Forgets what is done, and publishes again what was lost and what was stranded.
    pub(super) async fn sweep(&mut self, publisher: &Publisher, lanes: &mut Lanes) -> Result<(), Trouble> {
        for index in 0..lanes.len() {
            let lane = lanes.get_mut(index);
            if lane.is_resting(Instant::now()) {
                continue;
            }
            let streams = lane.streams();
            if !streams.is_empty() {
                let heads = self.wiring.log.heads(&streams).await?;
                lane.forget_done(|stream: &StreamName| heads.get(stream).map(|head| head.position));
            }
            self.ask(publisher, lane).await?;
            let Some(depth) = lane.depth else { continue };
            let mut again = HashMap::new();
            for position in lane.lost(depth.ready, Instant::now(), lane.room().min(PAGE)) {
                for stored in self.wiring.log.read(position, 1).await? {
                    again.extend(self.wiring.log.readable(&stored).map(|event| (stored.position, (event, stored))));
                }
            }
            if !again.is_empty() {
                tracing::warn!(queue = %lane.queue, messages = again.len(),
                    "what was published long ago is still pending and lies in no queue: published again");
            }
            let mut again: Vec<_> = again.into_values().collect();
            again.sort_unstable_by_key(|(event, _)| event.position);
            let stranded = self.stranded(lane).await?;
            again.extend(stranded);
            lanes.grown |= !self.publish(publisher, lanes.get_mut(index), again).await?;
        }
        Ok(())
    }

    /// Retries that no clock that runs on could have set: one that is due later than the longest
    /// delay was set before the clock was put back. It is due now.
    async fn stranded(&self, lane: &Lane) -> Result<Vec<(Recorded, Stored)>, LogError> {
        let horizon = Horizon::new(&self.wiring.retry, Some(self.wiring.broker.settings().hold_after));
        let now = self.wiring.clock.now();
        let waiting =
            self.wiring.log.due_stored(lane.work(), Timestamp::MAX, MAX_STRANDED + lane.outstanding()).await?;
        let mut wanted = self.unpublished(lane, waiting, lane.room());
        wanted.retain(|(event, _)| horizon.has_stranded(&event.event, now));
        Ok(wanted)
    }
}
