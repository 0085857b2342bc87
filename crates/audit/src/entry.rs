//! One event in structured form.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strongroom_eventlog::{LogError, Stored};
use strongroom_model::event::{CopyDamaged, Found, ReadBack, SyncMethod};
use strongroom_model::text::with_causes;
use strongroom_model::{
    Actor, ByteCount, Digest, DriveId, Event, EventId, Position, Recorded, RunId, StreamName, Version,
};

use crate::sentence::sentence;

/// One event of the log, for views.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventEntry {
    /// Its position in the log.
    pub position: Position,
    /// Its version in its stream.
    pub version: Version,
    /// When it happened.
    pub time: Timestamp,
    /// Its stream.
    pub stream: StreamName,
    /// Who caused it.
    pub actor: Actor,
    /// Its id.
    pub id: EventId,
    /// The event that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
    /// Its run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The CloudEvents type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its data; the schema is `schemas/events/<type>.json`.
    pub data: Value,
    /// The event as one sentence; `None`: unreadable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentence: Option<String>,
    /// Digests that it records.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<RecordedDigest>,
    /// Its evidence: a copy, a proof, a receipt or a statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Why it cannot follow what came before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub illegal: Option<String>,
    /// Why this version cannot read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

/// A digest that an event records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedDigest {
    /// What the digest is of.
    pub of: DigestOf,
    /// The digest.
    pub digest: Digest,
}

/// What a digest is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DigestOf {
    /// The server's record.
    ServerRecord,
    /// The bytes that were downloaded.
    InFlight,
    /// The bytes that were read back.
    ReadBack,
    /// Server, download and read-back.
    Agreed,
    /// A digest that failed the comparison.
    Wrong,
}

/// The evidence for an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the variants say what their fields are")]
pub enum Evidence {
    /// An unproven copy on a drive.
    Copy {
        drive: DriveId,
        /// The path below the drive's root.
        path: String,
        size_bytes: ByteCount,
        sync: SyncMethod,
    },
    /// A copy that was read back.
    Proof {
        drive: DriveId,
        /// The path below the drive's root.
        path: String,
        size_bytes: ByteCount,
        read_back: ReadBack,
    },
    /// The server's own copy.
    ServerCopy {
        /// The path below the document root.
        path: String,
    },
    /// An approved purge.
    Purge { purge: String, proofs: Vec<EventId> },
    /// A mail was accepted.
    Receipt {
        message_id: String,
        /// The mail server's reply, or a file's name.
        receipt: String,
    },
    /// The log's root at that time.
    Root {
        size: u64,
        /// RFC 6962's root in base64.
        root: String,
    },
    /// A use's mark on a drive.
    DriveMark {
        /// The use's number, from 1.
        generation: u64,
        serial: Option<String>,
        filesystem: Option<String>,
    },
    /// A quarantined copy.
    Quarantined {
        /// The path below the drive's root.
        path: String,
    },
    /// A reason in words.
    Statement { text: String },
}

/// The envelope, also of an event whose data cannot be read.
#[derive(Deserialize)]
struct RawEvent {
    id: EventId,
    subject: StreamName,
    time: Timestamp,
    #[serde(rename = "type")]
    type_name: String,
    data: Value,
    version: Version,
    causationid: Option<EventId>,
    correlationid: Option<RunId>,
    actor: Actor,
}

impl EventEntry {
    /// Parses a stored event; without [`Recorded`] where this version cannot read its data.
    ///
    /// # Errors
    /// The bytes are not an event of any version.
    pub(crate) fn of(stored: &Stored) -> Result<(Self, Option<Recorded>), LogError> {
        let envelope: RawEvent = serde_json::from_str(&stored.body).map_err(|_| LogError::Damaged {
            position: stored.position,
            reason: "it is not a CloudEvents object with strongroom's extensions",
        })?;
        let decoded = stored.decode();
        let event = decoded.as_ref().ok().map(|recorded| &recorded.event);
        let entry = Self {
            position: stored.position,
            version: envelope.version,
            time: envelope.time,
            stream: envelope.subject,
            actor: envelope.actor,
            id: envelope.id,
            cause: envelope.causationid,
            run: envelope.correlationid,
            type_name: envelope.type_name,
            data: envelope.data,
            sentence: decoded.as_ref().ok().map(sentence),
            digests: event.map(digests).unwrap_or_default(),
            evidence: event.and_then(evidence),
            illegal: None,
            unreadable: decoded.as_ref().err().map(|error| with_causes(error)),
        };
        Ok((entry, decoded.ok()))
    }
}

fn digests(event: &Event) -> Vec<RecordedDigest> {
    let of = |of, digest: &Digest| RecordedDigest { of, digest: digest.clone() };
    match event {
        Event::TimesheetEnumerated(data) => vec![of(DigestOf::ServerRecord, &data.digest)],
        Event::TimesheetFetched(data) => {
            vec![of(DigestOf::InFlight, &data.in_flight), of(DigestOf::InFlight, &data.sha256)]
        }
        Event::TimesheetBackedUp(data) => {
            vec![of(DigestOf::Agreed, &data.digest), of(DigestOf::ReadBack, &data.sha256)]
        }
        Event::CopyMade(data) | Event::CopyProven(data) | Event::CopyRepaired(data) => {
            vec![of(DigestOf::ReadBack, &data.sha256)]
        }
        Event::CopyRestored(data) => vec![of(DigestOf::ReadBack, &data.sha256)],
        Event::CopyDamaged(CopyDamaged { found: Found::Differs { sha256, .. }, .. }) => {
            vec![of(DigestOf::Wrong, sha256)]
        }
        other => other
            .failure()
            .and_then(|failed| failed.digest.as_ref())
            .map(|wrong| of(DigestOf::Wrong, wrong))
            .into_iter()
            .collect(),
    }
}

fn evidence(event: &Event) -> Option<Evidence> {
    Some(match event {
        Event::TimesheetFetched(data) => {
            Evidence::Copy { drive: data.drive, path: data.path.clone(), size_bytes: data.size_bytes, sync: data.sync }
        }
        Event::TimesheetBackedUp(data) => Evidence::Proof {
            drive: data.drive,
            path: data.path.clone(),
            size_bytes: data.size_bytes,
            read_back: data.read_back,
        },
        Event::CopyMade(data) | Event::CopyProven(data) | Event::CopyRepaired(data) => Evidence::Proof {
            drive: data.drive,
            path: data.path.clone(),
            size_bytes: data.size_bytes,
            read_back: data.read_back,
        },
        Event::DriveRetired(data) => statement(&data.reason),
        Event::DriveLost(data) => statement(&data.reason),
        Event::CustodyCancelled(data) => statement(&data.reason),
        Event::PurgeRefused(data) => statement(&data.reason),
        Event::HostRetired(data) => statement(&data.reason),
        Event::JobRetired(data) => statement(&data.reason),
        Event::JobCancelRequested(data) => statement(&data.reason),
        Event::JobRunCancelled(data) => statement(&data.reason),
        Event::JobRunEnded(data) => statement(&data.sentence),
        Event::JobRunTransferred(data) => statement(&data.sentence),
        Event::JobRunVerified(data) => statement(&data.sentence),
        Event::TimesheetArchived(data) => Evidence::ServerCopy { path: data.path.clone() },
        Event::TimesheetRestored(data) => Evidence::ServerCopy { path: data.path.clone() },
        Event::TimesheetPurged(data) => Evidence::Purge { purge: data.purge.clone(), proofs: data.proofs.clone() },
        Event::AlarmNotified(data) => receipt(&data.message_id, &data.receipt),
        Event::SummarySent(data) => receipt(&data.message_id, &data.receipt),
        Event::SummaryComposed(data) => Evidence::Root { size: data.to.0, root: data.root.clone() },
        Event::DriveUsed(data) => Evidence::DriveMark {
            generation: data.generation,
            serial: data.serial.clone(),
            filesystem: data.filesystem.clone(),
        },
        Event::DriveAdopted(data) => statement(&data.reason),
        Event::DriveIdentityRestored(data) => statement(&data.evidence),
        Event::AlarmRaised(data) => statement(&data.message),
        Event::AlarmCleared(data) => statement(&data.message),
        Event::TimesheetRetried(data) => statement(data.reason.as_ref()?),
        other => {
            let failed = other.failure()?;
            let aside = failed.quarantined.as_ref().map(|path| Evidence::Quarantined { path: path.clone() });
            aside.unwrap_or_else(|| statement(&failed.message))
        }
    })
}

fn receipt(message_id: &str, receipt: &str) -> Evidence {
    Evidence::Receipt { message_id: message_id.to_owned(), receipt: receipt.to_owned() }
}

fn statement(text: &str) -> Evidence {
    Evidence::Statement { text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use strongroom_proof::merkle::leaf_hash;

    use super::*;
    use crate::samples;

    fn stored(body: String) -> Stored {
        Stored { position: Position(7), leaf_hash: leaf_hash(body.as_bytes()), body }
    }

    #[test]
    fn every_event_of_the_catalogue_has_its_data_its_digests_and_its_evidence() {
        let site = "demo".parse().unwrap();
        let entries: Vec<_> = samples::one_of_each()
            .into_iter()
            .map(|recorded| {
                let event = samples::new(recorded);
                let stored = stored(event.render(&site, Position(7)));
                let (entry, recorded) = EventEntry::of(&stored).unwrap();
                assert_eq!(recorded.unwrap().event, event.event);
                serde_json::json!({"type": entry.type_name, "digests": entry.digests, "evidence": entry.evidence})
            })
            .collect();
        insta::assert_json_snapshot!(entries);
    }

    #[test]
    fn r9_an_event_of_a_newer_version_is_shown_with_its_data() {
        let event = samples::new(samples::enumerated("B-1"));
        let body = event.render(&"demo".parse().unwrap(), Position(7)).replace("enumerated.v1", "weighed.v1");
        let (entry, recorded) = EventEntry::of(&stored(body)).unwrap();
        assert_eq!((recorded, entry.sentence), (None, None));
        assert_eq!(entry.data["filename"], "week 47.pdf");
        assert!(entry.unreadable.unwrap().contains("upgrade strongroom"));
    }
}
