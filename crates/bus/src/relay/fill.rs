use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;

use jiff::Timestamp;
use strongroom_eventlog::{LogError, Stored};
use strongroom_model::{Recorded, StageName, StreamName};
use tokio::time::{Duration, Instant, timeout};

use crate::broker::route::RoutingKey;
use crate::broker::{BrokerError, EventMessage, Published, Publisher};
use crate::stranded::Horizon;

use super::queue::RelayQueue;
use super::queues::RelayQueues;
use super::session::{NextRound, Relay, RoundError};

/// Events in one read and one publish: half a MiB.
const PAGE: usize = 512;

/// Waiting retries that are searched for stranded ones.
const MAX_STRANDED: usize = 1024;

impl Relay {
    pub(super) async fn fill(
        &mut self,
        publisher: &Publisher,
        queue: &mut RelayQueue,
        undeclared: &mut bool,
    ) -> Result<NextRound, RoundError> {
        if let Some(next) = self.full(publisher, queue).await? {
            // Missing for the first time: it is declared at once. After that, at each inspection.
            *undeclared |= queue.missing && queue.depth.is_none() && queue.retry_at.is_none();
            return Ok(next);
        }
        let mut batch = self.due(queue).await?;
        let page = self.wiring.log.pending_stored(queue.work(), queue.cursor, PAGE).await?;
        let mut more = page.len() >= PAGE;
        for stored in page {
            if batch.len() >= queue.room() {
                more = true;
                break;
            }
            queue.cursor = stored.position.next();
            let Some(event) = self.wiring.log.readable(&stored) else { continue };
            if !queue.was_published(&event) {
                batch.push((event, stored));
            }
        }
        let taken = self.publish(publisher, queue, batch).await?;
        *undeclared |= !taken && queue.retry_at.is_none();
        Ok(match (more, queue.room() > 0) {
            (true, true) => NextRound::Now,
            (true, false) => NextRound::Soon,
            (false, _) => NextRound::Later,
        })
    }

    /// At intervals. Returns when to continue if there is no room.
    async fn full(&self, publisher: &Publisher, queue: &mut RelayQueue) -> Result<Option<NextRound>, RoundError> {
        let now = Instant::now();
        if queue.is_waiting(now) {
            return Ok(Some(NextRound::Later));
        }
        queue.retry_at = None;
        if queue.room() > 0 {
            return Ok(None);
        }
        let pace = self.wiring.pace;
        // Nobody empties a queue without consumers.
        let worked_on = queue.depth.is_none_or(|depth| depth.consumers > 0);
        let (wait, next) = if worked_on { (pace.room, NextRound::Soon) } else { (pace.inspect, NextRound::Later) };
        if queue.depth_at.is_some_and(|at| now < at + wait) {
            return Ok(Some(next));
        }
        self.query_depth(publisher, queue).await?;
        Ok(if queue.room() > 0 { None } else { Some(next) })
    }

    /// A missing queue waits, and then is filled from the log's first position.
    pub(super) async fn query_depth(&self, publisher: &Publisher, queue: &mut RelayQueue) -> Result<(), RoundError> {
        let name = queue.name.clone();
        let Some(found) = self.with_timeout(publisher, queue, publisher.depth(&name)).await? else {
            return Ok(());
        };
        let Some(depth) = found else {
            queue.restart();
            self.note_missing(queue);
            return Ok(());
        };
        queue.observed(depth, self.wiring.broker.settings().ready_most, Instant::now());
        metrics::gauge!("strongroom_queue_ready", "queue" => name.to_string()).set(f64::from(depth.ready));
        metrics::gauge!("strongroom_queue_consumers", "queue" => name.to_string()).set(f64::from(depth.consumers));
        Ok(())
    }

    /// A queue whose leader is gone never answers, and must not hold up the others. `None`: it is stuck, and handled
    /// like a missing one.
    async fn with_timeout<T>(
        &self,
        publisher: &Publisher,
        queue: &mut RelayQueue,
        request: impl Future<Output = Result<T, BrokerError>>,
    ) -> Result<Option<T>, RoundError> {
        let pace = self.wiring.pace;
        let mut request = pin!(request);
        let answer = loop {
            match timeout(pace.answer, &mut request).await {
                // All queues wait alike, and the broker has said why.
                Err(_) if publisher.is_blocked() => {}
                Ok(Err(BrokerError::Silent { .. })) | Err(_) => break None,
                Ok(answer) => break Some(answer?),
            }
        };
        if answer.is_none() {
            tracing::warn!(queue = %queue.name, "a queue does not answer: it is left alone for a while");
            queue.restart();
            queue.stuck = true;
            queue.retry_at = Some(Instant::now() + pace.stuck);
        }
        Ok(answer)
    }

    /// The first time it is declared and tried at once; after that at intervals.
    fn note_missing(&self, queue: &mut RelayQueue) {
        if queue.missing {
            queue.retry_at = Some(Instant::now() + self.wiring.pace.inspect);
        }
        queue.missing = true;
    }

    async fn due(&self, queue: &RelayQueue) -> Result<Vec<(Recorded, Stored)>, LogError> {
        let now = self.wiring.clock.now();
        // Published ones are still due, and come first: look past them.
        let due = self.wiring.log.due_stored(queue.work(), now, PAGE + queue.outstanding()).await?;
        Ok(self.unpublished(queue, due, queue.room()))
    }

    fn unpublished(&self, queue: &RelayQueue, events: Vec<Stored>, most: usize) -> Vec<(Recorded, Stored)> {
        let readable = events.into_iter().filter_map(|stored| Some((self.wiring.log.readable(&stored)?, stored)));
        readable.filter(|(event, _)| !queue.was_published(event)).take(most).collect()
    }

    /// `false`: the queue is missing, and is filled anew.
    async fn publish(
        &mut self,
        publisher: &Publisher,
        queue: &mut RelayQueue,
        batch: Vec<(Recorded, Stored)>,
    ) -> Result<bool, RoundError> {
        if batch.is_empty() {
            queue.stuck = false;
            return Ok(true);
        }
        let site = self.wiring.broker.site();
        let (mut messages, mut sent) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
        for (event, stored) in batch {
            if let Some(key) = RoutingKey::of(site, &event, queue.partition.as_ref()) {
                messages.push(EventMessage::of(&event, stored.body, key));
                sent.push((event.stream, event.position));
            }
        }
        let Some(outcomes) = self.with_timeout(publisher, queue, publisher.publish(&messages)).await? else {
            return Ok(true);
        };
        queue.stuck = false;
        let now = Instant::now();
        let lost_at = now + self.lost_after(now);
        let (mut confirmed, mut unroutable, mut refused) = (0, 0, 0);
        for ((stream, position), outcome) in sent.into_iter().zip(outcomes) {
            match outcome {
                Published::Confirmed => {
                    self.published += 1;
                    confirmed += 1;
                    queue.published(stream, position, lost_at, self.published);
                }
                Published::Refused => {
                    refused += 1;
                    queue.refused(position, now + self.wiring.pace.poll);
                }
                Published::Unroutable => unroutable += 1,
            }
        }
        if confirmed > 0 {
            queue.refuses = false;
        } else if refused > 0 && !std::mem::replace(&mut queue.refuses, true) {
            tracing::warn!(queue = %queue.name, refused, "a queue rejects publishes: trying again");
        }
        let label = queue.name.to_string();
        metrics::counter!("strongroom_relay_published_total", "queue" => label.clone()).increment(confirmed);
        metrics::counter!("strongroom_relay_refused_total", "queue" => label).increment(refused);
        if unroutable == 0 {
            queue.missing = false;
            return Ok(true);
        }
        metrics::counter!("strongroom_relay_unroutable_total").increment(unroutable);
        tracing::warn!(queue = %queue.name, unroutable, "messages were unroutable: the queue is declared again");
        queue.restart();
        self.note_missing(queue);
        Ok(false)
    }

    /// A broker whose node just died confirms what it then lacks (seen on RabbitMQ 3.10.8).
    fn lost_after(&self, now: Instant) -> Duration {
        let pace = self.wiring.pace;
        let in_doubt = self.connected_again.is_some_and(|at| now.saturating_duration_since(at) < pace.settles);
        if in_doubt { pace.doubt } else { pace.republish_after }
    }

    pub(super) async fn discover_partitions_with_work(
        &self,
        queues: &mut RelayQueues,
    ) -> Result<NextRound, RoundError> {
        let mut next = NextRound::Later;
        for stage in StageName::ALL.iter().copied().filter(|stage| stage.is_partitioned()) {
            let from = queues.searched.get(&stage).copied().unwrap_or_default();
            let page = self.wiring.log.pending_stored(stage, from, PAGE).await?;
            let Some(last) = page.last() else { continue };
            let known = queues.all.len();
            let (end, full) = (last.position.next(), page.len() >= PAGE);
            let events = page.iter().filter_map(|stored| self.wiring.log.readable(stored));
            let streams: Vec<StreamName> = events.map(|event| event.stream).collect();
            for head in self.wiring.log.heads(&streams).await?.into_values().filter(|head| head.position < end) {
                if let Some(partition) = &head.partition {
                    queues.add_partition(stage, partition);
                }
            }
            queues.searched.insert(stage, end);
            if full || queues.all.len() > known {
                next = NextRound::Now;
            }
        }
        Ok(next)
    }

    /// Forgets what is done, and publishes again what was lost or stranded.
    pub(super) async fn sweep(&mut self, publisher: &Publisher, queues: &mut RelayQueues) -> Result<(), RoundError> {
        let RelayQueues { all, undeclared, .. } = queues;
        for queue in all {
            if queue.is_waiting(Instant::now()) {
                continue;
            }
            let streams = queue.streams();
            if !streams.is_empty() {
                let heads = self.wiring.log.heads(&streams).await?;
                queue.forget_done(|stream: &StreamName| heads.get(stream).map(|head| head.position));
            }
            self.query_depth(publisher, queue).await?;
            let Some(depth) = queue.depth else { continue };
            let mut again = HashMap::new();
            for position in queue.lost(depth.ready, Instant::now(), queue.room().min(PAGE)) {
                for stored in self.wiring.log.read(position, 1).await? {
                    again.extend(self.wiring.log.readable(&stored).map(|event| (stored.position, (event, stored))));
                }
            }
            if !again.is_empty() {
                tracing::warn!(queue = %queue.name, messages = again.len(),
                    "published messages were lost: they are published again");
            }
            let mut again: Vec<_> = again.into_values().collect();
            again.sort_unstable_by_key(|(event, _)| event.position);
            again.extend(self.stranded(queue).await?);
            *undeclared |= !self.publish(publisher, queue, again).await?;
        }
        Ok(())
    }

    /// The retries that a clock which was put back left stranded: see [`Horizon`].
    async fn stranded(&self, queue: &RelayQueue) -> Result<Vec<(Recorded, Stored)>, LogError> {
        let horizon = Horizon::new(&self.wiring.retry, Some(self.wiring.broker.settings().lease_after));
        let now = self.wiring.clock.now();
        let waiting =
            self.wiring.log.due_stored(queue.work(), Timestamp::MAX, MAX_STRANDED + queue.outstanding()).await?;
        let mut unpublished = self.unpublished(queue, waiting, queue.room());
        unpublished.retain(|(event, _)| horizon.has_stranded(&event.event, now));
        Ok(unpublished)
    }
}
