//! What is pending, due and counted: against a plain model.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use strongroom_eventlog::{EventLog, StreamHead, Work};
use strongroom_model::booking::Booking;
use strongroom_model::fold::fold;
use strongroom_model::{
    Event, Fold, NewEvent, Partition, Position, Recorded, StageName, Status, StreamName, SubjectKind, Version,
    next_step, partition_after, status_after,
};

use crate::backend::Backend;
use crate::custody_sample;
use crate::sample::{self, at, booking, bookings, failed, new};

/// All that happened, and nothing clever.
#[derive(Default)]
struct Model {
    streams: BTreeMap<StreamName, Vec<Recorded>>,
}

impl Model {
    fn take(&mut self, recorded: &[Recorded]) {
        for event in recorded {
            self.streams.entry(event.stream.clone()).or_default().push(event.clone());
        }
    }

    /// The last events that the stage has to do with, by position.
    fn lasts(&self, stage: StageName, wanted: impl Fn(Option<Timestamp>) -> bool) -> Vec<Recorded> {
        let lasts = self.streams.values().map(|events| events.last().unwrap());
        let fits = |last: &&Recorded| {
            next_step(&last.event).is_some_and(|next| next.stage == stage && wanted(next.not_before))
        };
        let mut found: Vec<_> = lasts.filter(fits).cloned().collect();
        found.sort_by_key(|last| last.position);
        found
    }

    /// By label: of bookings from the folds, not from the last events.
    fn counts(&self, kind: SubjectKind) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for (name, events) in self.streams.iter().filter(|(name, _)| name.kind() == kind) {
            let status = match kind {
                SubjectKind::Booking => Some(fold::<Booking>(events).unwrap().status().label().to_owned()),
                _ => self.status(name).map(|status| status.as_str().to_owned()),
            };
            if let Some(status) = status {
                *counts.entry(status).or_default() += 1;
            }
        }
        counts
    }

    fn status(&self, name: &StreamName) -> Option<Status> {
        self.streams[name].iter().fold(None, |before, event| status_after(before.as_ref(), &event.event))
    }

    fn partition(&self, name: &StreamName) -> Option<Partition> {
        self.streams[name].iter().fold(None, |before, event| partition_after(before.as_ref(), &event.event))
    }

    /// Whether the event may follow, by the fold of its kind of stream.
    fn allows(&self, stream: &StreamName, event: &Recorded) -> bool {
        fn follows<S: Fold>(events: &[Recorded], event: &Recorded) -> bool {
            fold::<S>(events).unwrap().next(event).is_ok()
        }
        let events = self.streams.get(stream).map_or(&[][..], Vec::as_slice);
        match stream.kind() {
            SubjectKind::Booking => follows::<Booking>(events, event),
            SubjectKind::Run => follows::<strongroom_model::run::Run>(events, event),
            SubjectKind::Alarm => follows::<strongroom_model::alarm::Alarm>(events, event),
            SubjectKind::Summary => follows::<strongroom_model::summary::Summary>(events, event),
            SubjectKind::Copy => follows::<strongroom_model::copy::Copy>(events, event),
            SubjectKind::Custody => follows::<strongroom_model::custody::Custody>(events, event),
            SubjectKind::Purge => follows::<strongroom_model::purge::Purge>(events, event),
            _ => false,
        }
    }

    /// An event that may follow in that stream, chosen by `random`.
    fn propose(&self, stream: &StreamName, random: &mut Random) -> Option<NewEvent> {
        let version = self.streams.get(stream).map_or(0, Vec::len) as u64;
        let retry_at = (random.below(3) > 0).then(|| at(random.below(1000) as i64));
        let stage = StageName::ALL[random.below(5)];
        let event = match stream.kind() {
            SubjectKind::Booking => match random.below(10) {
                0 => sample::enumerated(),
                1 => sample::fetched(random.below(2)),
                5 | 6 => sample::held(stage, at(random.below(1000) as i64)),
                2 => sample::backed_up(),
                3 => sample::archived(),
                4 => sample::retried(stage),
                _ => Event::TimesheetFailed(failed(stage, retry_at)),
            },
            SubjectKind::Run => match random.below(3) {
                0 => sample::requested(),
                1 => sample::run_enumerated(),
                _ => Event::RunFailed(failed(StageName::Enumerate, retry_at)),
            },
            SubjectKind::Alarm => match random.below(4) {
                0 => sample::raised(),
                1 => sample::cleared(),
                2 => sample::notified(),
                _ => Event::AlarmFailed(failed(StageName::Notify, retry_at)),
            },
            SubjectKind::Copy => custody_sample::of_copy(number(stream), random.below(5)),
            SubjectKind::Custody => custody_sample::of_custody(number(stream), random.below(8)),
            SubjectKind::Purge => custody_sample::of_purge(number(stream), random.below(9)),
            _ => match random.below(3) {
                0 => sample::composed(1),
                1 => sample::sent(),
                _ => Event::SummaryFailed(failed(StageName::Notify, retry_at)),
            },
        };
        let proposed = new(stream.clone(), version, event);
        let recorded = Recorded::parse(&proposed.render(&crate::backend::site(), Position(0))).unwrap();
        self.allows(stream, &recorded).then_some(proposed)
    }
}

/// A small generator (Knuth's MMIX constants), so that every run of the test is the same.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

async fn compare(log: &EventLog, model: &Model) {
    for &stage in StageName::ALL {
        let pending = model.lasts(stage, |not_before| not_before.is_none());
        assert_eq!(log.pending(stage, Position(0), 1000).await.unwrap(), pending);
        if let Some(middle) = pending.get(pending.len() / 2) {
            assert_eq!(log.pending(stage, middle.position, 2).await.unwrap(), {
                let from = pending.iter().filter(|last| last.position >= middle.position);
                from.take(2).cloned().collect::<Vec<_>>()
            });
        }
        for now in [at(-1), at(300), at(999)] {
            let mut due = log.due(stage, now, 1000).await.unwrap();
            let time = |last: &Recorded| next_step(&last.event).unwrap().not_before;
            assert!(due.is_sorted_by_key(time), "the earliest comes first");
            due.sort_by_key(|last| last.position);
            assert_eq!(due, model.lasts(stage, |not_before| not_before.is_some_and(|time| time <= now)));
        }
        let waiting = model.lasts(stage, |not_before| not_before.is_some());
        let earliest = waiting.iter().filter_map(|last| next_step(&last.event).unwrap().not_before).min();
        assert_eq!(log.next_due(&[stage]).await.unwrap(), earliest);
        let backlog = log.backlog().await.unwrap().into_iter().find(|backlog| backlog.stage == stage);
        let counted = backlog.map_or((0, 0, None), |of| (of.at_once, of.delayed, of.first_due_at));
        assert_eq!(counted, (pending.len() as u64, waiting.len() as u64, earliest));
    }
    for kind in KINDS {
        let counts = model.counts(kind);
        let found = log.counts(kind).await.unwrap().into_iter();
        assert_eq!(
            found.map(|(status, count)| (status.as_str().to_owned(), count)).collect::<BTreeMap<_, _>>(),
            counts
        );
        for (status, count) in counts {
            let there = log.with_status(kind, &status, Position(0), 1000).await.unwrap();
            assert_eq!(there.len() as u64, count, "{status}");
            assert!(there.is_sorted_by_key(|last| last.position));
            let second = there.get(1).map(|last| last.position);
            let rest = log.with_status(kind, &status, second.unwrap_or(Position(u64::MAX)), 1).await.unwrap();
            assert_eq!(rest.first(), there.get(1));
        }
    }
    bound_work(log, model).await;
    for head in log.heads(&model.streams.keys().cloned().collect::<Vec<_>>()).await.unwrap().into_values() {
        assert_eq!(head.status, model.status(&head.stream), "{}", head.stream);
        assert_eq!(head.partition, model.partition(&head.stream), "{}", head.stream);
    }
}

const KINDS: [SubjectKind; 7] = [
    SubjectKind::Booking,
    SubjectKind::Run,
    SubjectKind::Alarm,
    SubjectKind::Summary,
    SubjectKind::Copy,
    SubjectKind::Custody,
    SubjectKind::Purge,
];

/// How many subjects of each kind there are.
const SUBJECTS: usize = 12;

/// The number of a copy's, an act's or a purge's stream.
fn number(stream: &StreamName) -> usize {
    let numbers = 0..SUBJECTS;
    let is_of =
        |n: &usize| [custody_sample::copy(*n), custody_sample::custody(*n), custody_sample::purge(*n)].contains(stream);
    numbers.into_iter().find(is_of).unwrap()
}

/// What waits is found by its partition, whatever its last event says.
async fn bound_work(log: &EventLog, model: &Model) {
    for partition in [0, 1].map(|n| Partition::from(sample::drive(n))) {
        for stage in [StageName::Verify, StageName::Custody] {
            let work = Work { stage, partition: Some(&partition) };
            let of = |last: &Recorded| model.partition(&last.stream).as_ref() == Some(&partition);
            let mut pending = model.lasts(stage, |not_before| not_before.is_none());
            pending.retain(of);
            assert_eq!(log.pending(work, Position(0), 1000).await.unwrap(), pending);
            let mut held = model.lasts(stage, |not_before| not_before.is_some());
            held.retain(of);
            let mut due = log.due(work, at(10_000), 1000).await.unwrap();
            due.sort_by_key(|last| last.position);
            assert_eq!(due, held);
        }
    }
}

fn stream(random: &mut Random) -> StreamName {
    let subject = random.below(SUBJECTS);
    let n = subject as u64;
    match random.below(12) {
        0 => sample::run(n),
        1 => sample::alarm(n),
        2 => StreamName::summary(n + 1),
        3 => custody_sample::copy(subject),
        4 => custody_sample::custody(subject % 6),
        5 => custody_sample::purge(subject % 3),
        _ => booking(n),
    }
}

/// A log with random events, appended a few at a time, and the model of it.
async fn random_log(log: &EventLog, seed: u64, mut after_each: impl AsyncFnMut(&Model)) -> Model {
    let mut model = Model::default();
    let mut random = Random(seed);
    for _ in 0..90 {
        let mut batch: Vec<NewEvent> = Vec::new();
        for _ in 0..8 {
            let proposed = model.propose(&stream(&mut random), &mut random);
            batch.extend(proposed.filter(|event| batch.iter().all(|other| other.stream != event.stream)));
        }
        model.take(&log.append(batch).await.unwrap());
        after_each(&model).await;
    }
    model
}

pub(crate) async fn what_is_pending_due_and_counted_follows_from_the_last_events<B: Backend>(backend: &B) {
    let log = backend.open().await;
    let mut seen: BTreeSet<(&str, String)> = BTreeSet::new();
    let model = random_log(&log, 7, async |model| {
        compare(&log, model).await;
        let of = |kind: SubjectKind| model.counts(kind).into_keys().map(move |status| (kind.name(), status));
        seen.extend(KINDS.into_iter().flat_map(of));
    });
    let model = model.await;
    assert!(log.head().await.unwrap().size > 100, "the proposals are mostly refused");
    let least = [(SubjectKind::Booking, 5), (SubjectKind::Copy, 2), (SubjectKind::Custody, 3), (SubjectKind::Purge, 4)];
    for (kind, least) in least {
        let statuses = seen.iter().filter(|(of, _)| *of == kind.name()).count();
        assert!(statuses >= least, "{}: {seen:?}", kind.name());
    }
    assert!(seen.contains(&("booking", "needs-attention".to_owned())), "{seen:?}");
    let held = model.streams.values().filter(|events| events.last().unwrap().event.keeps_status());
    assert!(held.count() > 1, "nothing keeps its status");
    assert_eq!(log.verify().await.unwrap().damage, None);
}

pub(crate) async fn a_retry_is_due_at_its_time_and_not_before<B: Backend>(backend: &B) {
    let log = backend.open().await;
    // A nanosecond after a whole second: not yet due at the second.
    let time = at(100).checked_add(jiff::Span::new().nanoseconds(1)).unwrap();
    let micro = at(100).checked_add(jiff::Span::new().microseconds(1)).unwrap();
    log.append(bookings(1, 1)).await.unwrap();
    let failure = Event::TimesheetFailed(failed(StageName::Fetch, Some(time)));
    log.append(vec![new(booking(1), 1, failure)]).await.unwrap();
    assert!(log.pending(StageName::Fetch, Position(0), 9).await.unwrap().is_empty());
    assert!(log.due(StageName::Fetch, at(100), 9).await.unwrap().is_empty());
    assert_eq!(log.due(StageName::Fetch, micro, 9).await.unwrap().len(), 1);
    assert_eq!(log.next_due(StageName::ALL).await.unwrap(), Some(micro));
    assert_eq!(log.next_due(&[StageName::Archive]).await.unwrap(), None);
    assert_eq!(log.next_due(&[]).await.unwrap(), None);
}

pub(crate) async fn the_newest_of_a_kind_is_the_one_that_began_last<B: Backend>(backend: &B) {
    let log = backend.open().await;
    assert_eq!(log.last_of(SubjectKind::Summary).await.unwrap(), None);
    let summary = |number, version, event| new(StreamName::summary(number), version, event);
    log.append(vec![summary(1, 0, sample::composed(1))]).await.unwrap();
    log.append(vec![summary(2, 0, sample::composed(2)), summary(2, 1, sample::sent())]).await.unwrap();
    // The first is sent only now, since the mail server was down: it is still the older.
    log.append(vec![summary(1, 1, sample::sent())]).await.unwrap();
    let last = log.last_of(SubjectKind::Summary).await.unwrap().unwrap();
    assert_eq!((last.stream, last.position), (StreamName::summary(2), Position(2)));
    let newest: Vec<_> =
        log.newest(SubjectKind::Summary, 9).await.unwrap().into_iter().map(|head| head.stream).collect();
    assert_eq!(newest, [StreamName::summary(2), StreamName::summary(1)]);
    assert_eq!(log.newest(SubjectKind::Summary, 1).await.unwrap().len(), 1);
    let older = log.newest_before(SubjectKind::Summary, Position(1), 9).await.unwrap();
    assert_eq!(older.into_iter().map(|head| head.stream).collect::<Vec<_>>(), [StreamName::summary(1)]);
    assert!(log.newest_before(SubjectKind::Summary, Position(0), 9).await.unwrap().is_empty());
    let sent = log.stream_from(&StreamName::summary(1), Version(1), 9).await.unwrap();
    assert_eq!(sent.iter().map(|stored| stored.position.0).collect::<Vec<_>>(), [3]);
    assert_eq!(log.stream_from(&StreamName::summary(1), Version(0), 1).await.unwrap().len(), 1);
    assert_eq!(log.last_of(SubjectKind::Run).await.unwrap(), None);
}

async fn all_heads(log: &EventLog, model: &Model) -> Vec<StreamHead> {
    let names: Vec<_> = model.streams.keys().cloned().collect();
    let mut heads: Vec<_> = log.heads(&names).await.unwrap().into_values().collect();
    heads.sort_by_key(|head| head.position);
    heads
}

pub(crate) async fn the_projection_made_again_is_the_same<B: Backend>(backend: &B) {
    let log = backend.open().await;
    let model = random_log(&log, 11, async |_| ()).await;
    let before = all_heads(&log, &model).await;
    backend
        .tamper(
            "DELETE FROM stream WHERE kind IN ('run', 'copy', 'purge'); UPDATE stream SET next_stage = NULL, status = 'x', partition = 'x'",
        )
        .await;
    assert_ne!(all_heads(&log, &model).await, before);
    assert_eq!(log.rebuild_streams().await.unwrap(), model.streams.len() as u64);
    assert_eq!(all_heads(&log, &model).await, before);
    compare(&log, &model).await;
}
