//! A stored event on its way.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use strongroom_model::Recorded;

use crate::broker::route::RoutingKey;

/// CloudEvents' JSON format in structured mode: the body is the whole event.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";
/// The header that carries the trace (W3C Trace Context).
pub const TRACE_HEADER: &str = "traceparent";
/// Survives the broker's restart.
const PERSISTENT: u8 = 2;

/// A message that hands an event's subject to a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMessage {
    /// What it is known by: the event's id.
    pub id: String,
    /// The way it travels.
    pub key: RoutingKey,
    /// The event's type.
    pub type_name: String,
    /// When it happened, in seconds since 1970.
    pub time_s: u64,
    /// The trace that it is part of.
    pub trace: Option<String>,
    /// The event's stored bytes.
    pub body: Vec<u8>,
}

impl EventMessage {
    /// An event of the log, whose stored bytes are `body`.
    #[must_use]
    pub fn of(event: &Recorded, body: impl Into<Vec<u8>>, key: RoutingKey) -> Self {
        Self {
            id: event.id.to_string(),
            key,
            type_name: event.event.type_name().to_owned(),
            time_s: u64::try_from(event.time.as_second()).unwrap_or(0),
            trace: Some(trace_of(event)),
            body: body.into(),
        }
    }

    /// The message's properties. `x-death` and whatever else came with an earlier copy is left
    /// behind: a broker of version 3 would take it for its own.
    pub(super) fn properties(&self) -> BasicProperties {
        let mut headers = FieldTable::default();
        if let Some(trace) = &self.trace {
            headers.insert(TRACE_HEADER.into(), AMQPValue::LongString(trace.as_str().into()));
        }
        BasicProperties::default()
            .with_app_id("strongroom".into())
            .with_content_type(CONTENT_TYPE.into())
            .with_delivery_mode(PERSISTENT)
            .with_message_id(self.id.as_str().into())
            .with_type(self.type_name.as_str().into())
            .with_timestamp(self.time_s)
            .with_headers(headers)
    }
}

/// The trace of an event (W3C Trace Context, section 3.2): the run's id is the trace's, the
/// event's own where it is of no run; and the event's last eight bytes, which are random, are
/// the span's. So every process names the same event the same, and nothing is to be carried along.
#[must_use]
pub fn trace_of(event: &Recorded) -> String {
    let trace = event.run.map_or(event.id.0, |run| run.0);
    let (_, span) = event.id.0.as_u64_pair();
    format!("00-{}-{span:016x}-01", trace.simple())
}
