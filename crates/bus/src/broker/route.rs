//! Routing keys: `<site>.<stage>.<subject kind>.<event>[.<partition>]`, such as
//! `harbour.fetch.booking.timesheet-enumerated`.
//!
//! The stage comes from [`next_step`]: no second table says which event goes where. No part contains a dot.

use std::fmt;

use strongroom_model::{Partition, Recorded, SiteId, next_step, partition_of};

/// A routing key, within the 255 bytes that AMQP allows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoutingKey(String);

impl RoutingKey {
    /// The key that delivers an event to its next stage; `None`: there is none.
    ///
    /// `partition` is used where a partitioned stage's event does not name its own (one that keeps its subject's
    /// status). Without either no queue is bound by the key.
    #[must_use]
    pub fn of(site: &SiteId, event: &Recorded, partition: Option<&Partition>) -> Option<Self> {
        let stage = next_step(&event.event)?.stage;
        let kind = event.stream.kind().name();
        let name = event_segment(event.event.type_name());
        let key = format!("{site}.{stage}.{kind}.{name}");
        let partition = partition_of(&event.event).or_else(|| partition.cloned());
        Some(Self(match partition.filter(|_| stage.is_partitioned()) {
            Some(partition) => format!("{key}.{partition}"),
            None => key,
        }))
    }

    /// A received message's key, if it can be one of that site's.
    #[must_use]
    pub(super) fn received(site: &SiteId, key: &str) -> Option<Self> {
        let rest = key.strip_prefix(site.as_str())?;
        (rest.starts_with('.') && key.len() <= usize::from(u8::MAX)).then(|| Self(key.to_owned()))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoutingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An event's type as one segment: `strongroom.timesheet.backed-up.v1` is `timesheet-backed-up`. Without its version:
/// a stage consumes by what happened.
#[must_use]
pub fn event_segment(type_name: &str) -> String {
    let name = type_name.strip_prefix("strongroom.").unwrap_or(type_name);
    let name = name.rsplit_once(".v").map_or(name, |(name, _)| name);
    name.replace('.', "-")
}
