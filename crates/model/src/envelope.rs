//! Events as CloudEvents 1.0 JSON, in the exact bytes of the log.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::canonical;
pub use crate::canonical::MAX_INTEGER;
use crate::event::{DecodeError, Event};
use crate::id::{Actor, EventId, RunId, SiteId};
use crate::quantity::{Position, Version};
use crate::stream::StreamName;

/// A stream's version expected by an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The stream has no event yet.
    New,
    /// The stream's last event has this version.
    After(Version),
}

impl Expected {
    /// The appended event's version.
    #[must_use]
    pub const fn next(self) -> Version {
        match self {
            Self::New => Version(0),
            Self::After(last) => last.next(),
        }
    }
}

/// An event to append, without a position.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// Its stream.
    pub stream: StreamName,
    /// The expected version.
    pub expected: Expected,
    /// When, to the microsecond.
    pub time: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// The event that caused it.
    pub cause: Option<EventId>,
    /// Its run.
    pub run: Option<RunId>,
    /// Its data.
    pub event: Event,
}

/// An event in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its place in the log.
    pub position: Position,
    /// Its place in its stream.
    pub version: Version,
    /// Its id.
    pub id: EventId,
    /// Its stream.
    pub stream: StreamName,
    /// When it happened.
    pub time: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// The event that caused it.
    pub cause: Option<EventId>,
    /// Its run.
    pub run: Option<RunId>,
    /// Its data.
    pub event: Event,
}

/// CloudEvents 1.0 (section 3.1), with `position`, `version`, `causationid`, `correlationid` and `actor`.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "an event without one of these is not a CloudEvents object of ours")]
struct Envelope<'a> {
    #[serde(borrow)]
    specversion: Cow<'a, str>,
    id: EventId,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    type_name: Cow<'a, str>,
    subject: StreamName,
    time: Timestamp,
    #[serde(borrow)]
    datacontenttype: Cow<'a, str>,
    #[serde(borrow)]
    dataschema: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
    position: Position,
    version: Version,
    causationid: Option<EventId>,
    correlationid: Option<RunId>,
    actor: Actor,
}

#[derive(Serialize)]
struct Rendered<'a> {
    actor: &'a Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    causationid: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlationid: Option<RunId>,
    data: Data<'a>,
    datacontenttype: &'a str,
    dataschema: String,
    id: EventId,
    position: Position,
    source: fmt::Arguments<'a>,
    specversion: &'a str,
    subject: &'a StreamName,
    time: Timestamp,
    #[serde(rename = "type")]
    type_name: &'a str,
    version: Version,
}

struct Data<'a>(&'a Event);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_data(serializer)
    }
}

/// An event's usual length: only a hint.
const LENGTH_HINT: usize = 1024;

/// Bytes that are not an event.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// Not CloudEvents with our extensions.
    #[error("it is not a CloudEvents object with strongroom's extensions")]
    NotCloudEvents(#[source] serde_json::Error),
    /// Another version of CloudEvents.
    #[error("it is of CloudEvents version {0:?}, not 1.0")]
    OtherVersion(String),
    /// An undecodable event.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// A type's schema below `schemas/events/`.
#[must_use]
pub fn schema_uri(type_name: &str) -> String {
    format!("urn:{}", type_name.replace('.', ":"))
}

impl NewEvent {
    /// An event without cause and run; its id begins with its time.
    #[must_use]
    pub fn new(stream: StreamName, expected: Expected, time: Timestamp, actor: Actor, event: Event) -> Self {
        Self { id: EventId::new(time), stream, expected, time, actor, cause: None, run: None, event }
    }

    /// The event at `position` of `site`'s log, in RFC 8785 form. These bytes are stored, hashed and exported, never
    /// rendered again from parsed data. Integers above [`MAX_INTEGER`], sent by hostile servers only, are clamped.
    #[must_use]
    pub fn render(&self, site: &SiteId, position: Position) -> String {
        let type_name = self.event.type_name();
        let rendered = Rendered {
            actor: &self.actor,
            causationid: self.cause,
            correlationid: self.run,
            data: Data(&self.event),
            datacontenttype: "application/json",
            dataschema: schema_uri(type_name),
            id: self.id,
            position,
            source: format_args!("/sites/{site}"),
            specversion: "1.0",
            subject: &self.stream,
            time: to_micros(self.time),
            type_name,
            version: self.expected.next(),
        };
        canonical::to_string(&rendered, LENGTH_HINT).expect("events hold texts and whole numbers only")
    }
}

impl Recorded {
    /// Reads stored bytes.
    ///
    /// # Errors
    /// Not an event, or a newer version's.
    pub fn parse(body: &str) -> Result<Self, EnvelopeError> {
        let envelope: Envelope<'_> = serde_json::from_str(body).map_err(EnvelopeError::NotCloudEvents)?;
        if envelope.specversion != "1.0" {
            return Err(EnvelopeError::OtherVersion(crate::text::printable(&envelope.specversion, 20)));
        }
        Ok(Self {
            position: envelope.position,
            version: envelope.version,
            id: envelope.id,
            stream: envelope.subject,
            time: envelope.time,
            actor: envelope.actor,
            cause: envelope.causationid,
            run: envelope.correlationid,
            event: Event::decode(&envelope.type_name, envelope.data.get())?,
        })
    }
}

/// Cut to microseconds, as in Postgres.
fn to_micros(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).expect("a timestamp's microseconds are in range")
}
