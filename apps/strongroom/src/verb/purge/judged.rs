//! What the log says of archived files: which could go now, with their evidence, and which could not, and why.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use strongroom_audit::copies::Proof;
use strongroom_audit::{BookingCopies, called, copies_of, known_drives};
use strongroom_eventlog::EventLog;
use strongroom_model::drive_state::DriveState;
use strongroom_model::event::{Left, ReadBack};
use strongroom_model::text::{files, printable, shown_to_the_minute};
use strongroom_model::{BookingId, ByteCount, DriveId, EventId};
use strongroom_purge::{Verdict, judge};
use strongroom_service::{Clock, Config};

use super::agreement::Agreement;
use crate::cli_error::CliError;
use crate::out::Out;

/// Bookings whose copies are looked up at once.
const PAGE: usize = 500;
const NAME_CHARS: usize = 100;
const REASON_CHARS: usize = 600;

/// What a file's copies are judged by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    needed: u32,
    fresh_for: SignedDuration,
}

impl Terms {
    /// As the configuration says.
    pub(super) fn here(config: &Config) -> Self {
        let fresh_for = SignedDuration::try_from(config.custody.evidence_fresh_for.get());
        Self { needed: config.custody.copies, fresh_for: fresh_for.unwrap_or(SignedDuration::MAX) }
    }

    /// As the stage judges it: no less than the server asks for.
    pub(super) fn of(config: &Config, agreement: &Agreement) -> Self {
        let here = Self::here(config);
        let (needed, fresh_for_s) = agreement.terms;
        let fresh_for = fresh_for_s.and_then(|seconds| i64::try_from(seconds).ok()).map(SignedDuration::from_secs);
        Self {
            needed: here.needed.max(needed.unwrap_or(0)),
            fresh_for: here.fresh_for.min(fresh_for.unwrap_or(SignedDuration::MAX)),
        }
    }
}

/// What the log says of some bookings.
#[derive(Debug, Default, Serialize)]
pub(super) struct Judged {
    /// Their files could go now.
    pub(super) go: Vec<Going>,
    /// Their files stay: why, and what would cure it.
    pub(super) stay: Vec<Left>,
    /// Their files are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) gone: Vec<Gone>,
}

#[derive(Debug, Serialize)]
pub(super) struct Going {
    pub(super) booking: BookingId,
    pub(super) filename: Option<String>,
    pub(super) size_bytes: ByteCount,
    pub(super) evidence: Vec<Evidence>,
}

#[derive(Debug, Serialize)]
pub(super) struct Gone {
    pub(super) booking: BookingId,
    pub(super) purged_at: Option<Timestamp>,
    /// The drives with good copies of it.
    pub(super) drives: Vec<DriveId>,
    #[serde(skip)]
    called: Vec<String>,
}

/// A copy that counts.
#[derive(Debug, Serialize)]
pub(super) struct Evidence {
    drive: DriveId,
    #[serde(skip)]
    called: String,
    path: String,
    proven_at: Timestamp,
    read_back: ReadBack,
    event: EventId,
}

impl Judged {
    /// In their order. `wanted`: only bookings whose state is that; the others are not mentioned.
    pub(super) async fn of(
        log: &EventLog,
        terms: Terms,
        ids: &[String],
        wanted: impl Fn(&BookingCopies) -> bool,
    ) -> Result<Self, CliError> {
        let drives = known_drives(log).await?;
        let mut judged = Self::default();
        for page in ids.chunks(PAGE) {
            let bookings: Vec<BookingId> = page.iter().filter_map(|id| id.parse().ok()).collect();
            let copies = copies_of(log, &drives, &bookings).await?;
            let now = Clock::system().now();
            for id in page {
                let Ok(booking) = id.parse::<BookingId>() else {
                    judged.stay(id, "it is not a booking's id");
                    continue;
                };
                let known = copies.get(&booking);
                if known.is_some_and(|known| !wanted(known)) {
                    continue;
                }
                match judge(known, terms.needed, terms.fresh_for, now) {
                    Verdict::Keep(why) => judged.stay(id, &why),
                    Verdict::Gone => judged.gone.extend(known.map(|known| Gone::of(booking, known, &drives))),
                    Verdict::Delete(evidence) => {
                        let evidence = evidence.into_iter().filter_map(|copy| {
                            let Proof { event, time, read_back } = copy.proven?;
                            let (drive, called) = (copy.drive, called(&drives, copy.drive));
                            Some(Evidence { drive, called, path: copy.path, proven_at: time, read_back, event })
                        });
                        let filename =
                            known.and_then(|known| known.state.enumerated.as_ref()).map(|data| data.filename.clone());
                        judged.go.push(Going {
                            booking,
                            filename,
                            size_bytes: known.map_or(ByteCount(0), |known| known.size),
                            evidence: evidence.collect(),
                        });
                    }
                }
            }
        }
        Ok(judged)
    }

    fn stay(&mut self, id: &str, reason: &str) {
        self.stay.push(Left { booking: printable(id, 128), reason: printable(reason, REASON_CHARS) });
    }

    pub(super) fn size(&self) -> ByteCount {
        self.go.iter().fold(ByteCount(0), |sum, one| sum + one.size_bytes)
    }

    pub(super) fn tell(&self, config: &Config, out: &mut Out) -> Result<(), CliError> {
        let zone = config.zone();
        if !self.go.is_empty() {
            out.line(format_args!("could go now: {}, {}", files(self.go.len() as u64), self.size()))?;
        }
        for one in &self.go {
            let name =
                one.filename.as_ref().map_or_else(String::new, |name| format!("  {:?}", printable(name, NAME_CHARS)));
            out.line(format_args!("  {}{name}  {}", one.booking, one.size_bytes))?;
            for copy in &one.evidence {
                let how = match copy.read_back {
                    ReadBack::Direct => "past the caches",
                    ReadBack::CacheDropped => "after it had left the cache",
                    ReadBack::Cached => "perhaps from a cache",
                };
                let at = shown_to_the_minute(copy.proven_at, &zone);
                out.line(format_args!("    on drive {}, read back {how} {at}, event {}", copy.called, copy.event))?;
            }
        }
        if !self.stay.is_empty() {
            out.line(format_args!("cannot go now: {}", files(self.stay.len() as u64)))?;
        }
        for one in &self.stay {
            out.line(format_args!("  {}: {}", one.booking, one.reason))?;
        }
        if !self.gone.is_empty() {
            out.line(format_args!("purged: {}", files(self.gone.len() as u64)))?;
        }
        for one in &self.gone {
            let at = one.purged_at.map_or_else(|| "at an unknown time".to_owned(), |at| shown_to_the_minute(at, &zone));
            let drives =
                if one.called.is_empty() { "no drive has a proven copy".to_owned() } else { one.called.join(", ") };
            out.line(format_args!("  {}  deleted on the server {at}; held by: {drives}", one.booking))?;
        }
        Ok(())
    }
}

impl Gone {
    fn of(booking: BookingId, known: &BookingCopies, drives: &BTreeMap<DriveId, DriveState>) -> Self {
        let held: Vec<DriveId> = known.copies.iter().filter(|copy| copy.is_good()).map(|copy| copy.drive).collect();
        let called = held.iter().map(|drive| called(drives, *drive)).collect();
        Self { booking, purged_at: known.state.changed_at, drives: held, called }
    }
}
