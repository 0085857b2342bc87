//! The log against the document server.

use std::collections::{HashMap, HashSet, VecDeque};

use futures_util::StreamExt as _;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::booking::Phase;
use strongroom_model::text::printable;
use strongroom_model::wire::{BookingInfo, Mark, ServerState};
use strongroom_model::{BookingId, EventId, FailureKind, Position, StreamName};
use strongroom_source::{Source, SourceError};

use super::told::Told;
use super::{Difference, DifferenceCounts};
use crate::bookings::begun;
use crate::page::Horizon;

/// Single requests to the server at once: it also serves the pipeline.
const REQUESTS_AT_ONCE: usize = 8;
/// The most bookings asked for one by one before their differences are given.
const ASKED_AT_ONCE: usize = 256;
/// How often a booking is compared again because the pipeline moved it meanwhile.
const MAX_LOOKS: u32 = 3;

/// Why the comparison could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum AgainstServerError {
    /// The server does not answer.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

type Result<T> = std::result::Result<T, AgainstServerError>;

/// A comparison under way, in bounded memory: eight bytes for each booking.
///
/// First the server's list is walked, then each booking of the log that it does not list is asked for by itself.
#[derive(Debug)]
pub struct AgainstServer {
    log: EventLog,
    source: Source,
    horizon: Horizon,
    part: Part,
    /// The first positions of the bookings that the server lists.
    listed: HashSet<Position>,
    unlisted: VecDeque<BookingId>,
    counts: DifferenceCounts,
}

#[derive(Debug)]
enum Part {
    List { after: Option<String> },
    Log { next: Position },
    Over,
}

impl AgainstServer {
    /// Compares the log as it is now.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn start(log: &EventLog, source: &Source) -> std::result::Result<Self, LogError> {
        Ok(Self {
            log: log.clone(),
            source: source.clone(),
            horizon: Horizon::now(log).await?,
            part: Part::List { after: None },
            listed: HashSet::new(),
            unlisted: VecDeque::new(),
            counts: DifferenceCounts::default(),
        })
    }

    /// The number of events that it is about.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.horizon.end.0
    }

    /// What was found so far.
    #[must_use]
    pub const fn counts(&self) -> DifferenceCounts {
        self.counts
    }

    /// The next differences; `None` at the end.
    ///
    /// # Errors
    /// The server does not answer, or the log cannot be read.
    pub async fn page(&mut self) -> Result<Option<Vec<Difference>>> {
        let found = match &self.part {
            Part::List { after } => {
                let page = self.source.bookings(after.as_deref()).await?;
                let mut found = Vec::new();
                let mut infos = Vec::with_capacity(page.records.len());
                for record in page.records {
                    match record {
                        Ok(info) => infos.push(info),
                        Err(why) => found.push(Difference::extra("(unreadable)", "record", &why)),
                    }
                }
                found.extend(self.listed(infos).await?);
                self.part = match page.next {
                    Some(next) => Part::List { after: Some(next) },
                    None => Part::Log { next: Position(0) },
                };
                found
            }
            Part::Log { next } => {
                let mut next = *next;
                while self.horizon.includes(next) && self.unlisted.len() < ASKED_AT_ONCE {
                    let page = begun(&self.log, &mut next, self.horizon).await?;
                    let unlisted = page.into_iter().filter(|(first, _)| !self.listed.contains(first));
                    self.unlisted.extend(unlisted.map(|(_, id)| id));
                }
                let found = self.asked().await?;
                let is_over = !self.horizon.includes(next) && self.unlisted.is_empty();
                self.part = if is_over { Part::Over } else { Part::Log { next } };
                found
            }
            Part::Over => return Ok(None),
        };
        found.iter().for_each(|one| self.counts.add(one.kind));
        Ok(Some(found))
    }

    async fn listed(&mut self, infos: Vec<BookingInfo>) -> Result<Vec<Difference>> {
        let mut usable = Vec::with_capacity(infos.len());
        let mut found = Vec::new();
        for info in infos {
            match info.id.parse::<BookingId>() {
                Ok(id) => usable.push((id, info)),
                Err(error) => found.push(Difference::extra(&info.id, "record", &error)),
            }
        }
        let names: Vec<_> = usable.iter().map(|(id, _)| StreamName::booking(id)).collect();
        let mut streams = self.log.readable_streams(&names).await?;
        for ((id, info), name) in usable.into_iter().zip(&names) {
            self.counts.compared += 1;
            let history = streams.remove(name).unwrap_or_default();
            match Told::of(&id, &history) {
                Some(told) => {
                    self.listed.extend(history.first().map(|first| first.position));
                    found.extend(self.compared(told, Some(info)).await?);
                }
                None => found.extend(self.unknown(&id, &info).await?),
            }
        }
        Ok(found)
    }

    /// Those that the server did not list: perhaps its list has only some states.
    async fn asked(&mut self) -> Result<Vec<Difference>> {
        let ids: Vec<_> = self.unlisted.drain(..self.unlisted.len().min(ASKED_AT_ONCE)).collect();
        self.counts.compared += ids.len() as u64;
        let names: Vec<_> = ids.iter().map(StreamName::booking).collect();
        let mut streams = self.log.readable_streams(&names).await?;
        let this = &*self;
        let asked = ids.into_iter().zip(names).filter_map(|(id, name)| {
            let told = Told::of(&id, &streams.remove(&name).unwrap_or_default())?;
            Some(async move {
                let info = this.ask(&told.id).await?;
                this.compared(told, info).await
            })
        });
        let mut answers = futures_util::stream::iter(asked).buffered(REQUESTS_AT_ONCE);
        let mut found = Vec::new();
        while let Some(differences) = answers.next().await {
            found.extend(differences?);
        }
        Ok(found)
    }

    /// `None`: the server has no such booking.
    async fn ask(&self, id: &BookingId) -> Result<Option<BookingInfo>> {
        match self.source.booking(id).await {
            Ok(info) => Ok(Some(info)),
            Err(error) if error.failure_kind() == FailureKind::FileMissing => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The pipeline may move a booking between our look at the log and the server's answer: then it is looked at again.
    async fn compared(&self, mut told: Told, mut info: Option<BookingInfo>) -> Result<Vec<Difference>> {
        for _ in 0..MAX_LOOKS {
            let found = self.differences(&told, info.as_ref()).await?;
            if found.is_empty() {
                return Ok(found);
            }
            let history = self.log.readable_stream(&StreamName::booking(&told.id)).await?;
            let Some(now) = Told::of(&told.id, &history).filter(|now| now.version != told.version) else {
                return Ok(found);
            };
            info = self.ask(&told.id).await?;
            told = now;
        }
        self.differences(&told, info.as_ref()).await
    }

    async fn differences(&self, told: &Told, info: Option<&BookingInfo>) -> Result<Vec<Difference>> {
        let id = told.id.as_str();
        let (claim, event) = told.claim();
        let Some(info) = info else {
            return Ok(vec![Difference::missing(id, "booking", claim, Some(event))]);
        };
        let mut found = Vec::new();
        if !fits(told, info.state) {
            found.push(Difference::changed(id, "state", claim, &label(info.state), Some(event)));
        }
        record(told, info, &mut found);
        self.proofs(told, info, &mut found).await?;
        Ok(found)
    }

    async fn proofs(&self, told: &Told, info: &BookingInfo, found: &mut Vec<Difference>) -> Result<()> {
        let id = told.id.as_str();
        let is_marked = info.state >= ServerState::BackedUp;
        let current = told.booking.proven.filter(|_| told.booking.phase >= Phase::BackedUp && is_marked);
        if let Some((proof, time)) = current {
            let first = told.proofs.iter().find(|(event, ..)| *event == proof);
            // The server keeps the newest of each drive: a later one of the same copy takes the place of the first.
            let stands_for_it = |mark: &Mark| {
                mark.event == proof || first.is_some_and(|(.., data)| data.drive == mark.drive && mark.proven_at > time)
            };
            if !info.proofs.iter().any(stands_for_it) {
                found.push(Difference::missing(id, "proof", &proof, first.map(|(_, event, _)| *event)));
            }
        }
        let mut others = Vec::new();
        for mark in &info.proofs {
            match told.proofs.iter().find(|(event, ..)| *event == mark.event) {
                None => others.push(mark),
                Some((_, event, proof)) => {
                    let parts = [
                        (proof.digest.to_string(), mark.digest.clone()),
                        (proof.drive.to_string(), mark.drive.to_string()),
                        (proof.path.clone(), mark.path.clone()),
                    ];
                    for (log, server) in parts.into_iter().filter(|(log, server)| log != server) {
                        found.push(Difference::changed(id, "proof", &log, &server, Some(*event)));
                    }
                }
            }
        }
        found.extend(self.foreign(id, others).await?);
        Ok(())
    }

    /// Proofs whose events are in no stream of the booking may be of copies made later; others are in no log.
    async fn foreign(&self, id: &str, marks: Vec<&Mark>) -> Result<Vec<Difference>> {
        if marks.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<EventId> = marks.iter().map(|mark| mark.event).collect();
        let events = self.log.with_ids(&ids).await?;
        let known: HashMap<EventId, String> = events
            .into_iter()
            .filter_map(|stored| self.log.readable(&stored).map(|recorded| (recorded.id, stored.body)))
            .collect();
        // Whatever its family, an event that proves this copy names its path on the drive.
        let is_proven = |mark: &Mark| {
            let path = serde_json::to_string(&mark.path).unwrap_or_default();
            known.get(&mark.event).is_some_and(|body| body.contains(&path))
        };
        let unknown = marks.into_iter().filter(|mark| !is_proven(mark));
        let shown = |mark: &Mark| format!("event {} of a copy on drive {}", mark.event, mark.drive);
        Ok(unknown.map(|mark| Difference::extra(id, "proof", &shown(mark))).collect())
    }

    /// A booking without events. What waits for a run has none.
    async fn unknown(&self, id: &BookingId, info: &BookingInfo) -> Result<Vec<Difference>> {
        if info.state < ServerState::BackedUp {
            return Ok(Vec::new());
        }
        let history = self.log.readable_stream(&StreamName::booking(id)).await?;
        if let Some(told) = Told::of(id, &history) {
            return self.compared(told, Some(info.clone())).await;
        }
        Ok(vec![Difference::extra(id.as_str(), "booking", &label(info.state))])
    }
}

/// Between two stages the server is ahead of the log: it was told, and the event that says so is not appended yet.
fn fits(told: &Told, state: ServerState) -> bool {
    match (told.booking.phase, state) {
        (Phase::Purged, state) => state == ServerState::Purged,
        (Phase::Archived, state) => state == ServerState::Archived,
        (_, ServerState::SignedOff) => true,
        (phase, ServerState::BackedUp) => phase == Phase::BackedUp || told.was_proven(),
        (phase, ServerState::Archived) => phase == Phase::BackedUp || told.was_archived(),
        (_, ServerState::Created | ServerState::Uploaded | ServerState::Purged) => false,
    }
}

fn record(told: &Told, info: &BookingInfo, found: &mut Vec<Difference>) {
    let Some(enumerated) = &told.booking.enumerated else { return };
    let (id, event) = (told.id.as_str(), told.enumerated);
    let Some(file) = &info.timesheet else {
        found.push(Difference::missing(id, "record", &enumerated.digest, event));
        return;
    };
    if file.digest != enumerated.digest.to_string() {
        found.push(Difference::changed(id, "digest", &enumerated.digest, &file.digest, event));
    }
    if file.size_bytes != enumerated.size_bytes.0 {
        found.push(Difference::changed(id, "size", &enumerated.size_bytes.0, &file.size_bytes, event));
    }
    if file.filename != enumerated.filename {
        found.push(Difference::changed(id, "filename", &enumerated.filename, &file.filename, event));
    }
    if let Some(archived) = told.booking.archived.as_ref().filter(|_| info.state == ServerState::Archived)
        && file.path != archived.path
    {
        found.push(Difference::changed(id, "path", &archived.path, &file.path, told.archived));
    }
}

fn label(state: ServerState) -> String {
    let text = serde_json::to_value(state).ok().and_then(|value| value.as_str().map(str::to_owned));
    text.unwrap_or_else(|| printable(&format!("{state:?}"), 40))
}
