//! Events as messages.

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

/// An event on its way to a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMessage {
    /// The event's id.
    pub id: String,
    /// Its routing key.
    pub key: RoutingKey,
    /// The event's type.
    pub type_name: String,
    /// The event's time, in seconds since 1970.
    pub time_s: u64,
    /// Its trace.
    pub trace: Option<String>,
    /// The event's stored bytes.
    pub body: Vec<u8>,
}

impl EventMessage {
    /// With the event's stored bytes.
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

    /// Headers of an earlier copy are dropped: RabbitMQ 3 would take its `x-death` for its own.
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

/// An event's trace context (W3C Trace Context, section 3.2): the trace is the run's id, or the event's own without a
/// run; the span is the event's last eight bytes, which are random.
#[must_use]
pub(crate) fn trace_of(event: &Recorded) -> String {
    let trace = event.run.map_or(event.id.0, |run| run.0);
    let (_, span) = event.id.0.as_u64_pair();
    format!("00-{}-{span:016x}-01", trace.simple())
}
