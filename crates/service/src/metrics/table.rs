//! Every metric; dashboards and alerts rely on it.

use metrics::Unit;

/// A metric's type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MetricKind {
    /// Only grows; starts at zero with the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution.
    Histogram {
        /// Upper bounds of the buckets.
        buckets: &'static [f64],
    },
}

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name, such as `strongroom_tasks_total`.
    pub name: &'static str,
    /// Its type.
    pub kind: MetricKind,
    /// Its unit, if any.
    pub unit: Option<Unit>,
    /// Its meaning, for people.
    pub help: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// The processes that record it.
    pub by: RecordedBy,
}

/// Which processes record a metric, where each part has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordedBy {
    /// All processes.
    Every,
    /// The relay.
    Relay,
    /// The stages.
    Stages,
    /// Clients of the document server.
    ServerClients,
}

impl RecordedBy {
    /// The processes' roles.
    pub const fn roles(self) -> &'static [&'static str] {
        match self {
            Self::Every => &["relay", "enumerate", "fetch", "verify", "archive", "notify"],
            Self::Relay => &["relay"],
            Self::Stages => &["enumerate", "fetch", "verify", "archive", "notify"],
            Self::ServerClients => &["enumerate", "fetch", "archive"],
        }
    }
}

/// The version is its label.
pub(super) const BUILD_INFO: &str = "strongroom_build_info";

/// From one small file's batch to a large one's hours.
const BATCH_BUCKETS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0];
/// From a fast disk's commit to a wait for a lock.
const APPEND_BUCKETS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// By recorder: stages, log, relay, process.
pub const METRICS: &[Metric] = &[
    counter(
        "strongroom_tasks_total",
        "what became of tasks: done, failed, duplicate, again, rested, panic or unreadable",
    )
    .of(&["site", "stage", "outcome"])
    .by(RecordedBy::Stages),
    gauge("strongroom_tasks_in_flight", "tasks that a stage has claimed and not finished")
        .of(&["site", "stage"])
        .by(RecordedBy::Stages),
    gauge("strongroom_stage_paused", "1 while an obstacle of that kind pauses the stage")
        .of(&["site", "stage", "kind"])
        .by(RecordedBy::Stages),
    histogram("strongroom_batch_duration_seconds", "how long a stage works at one batch", BATCH_BUCKETS)
        .of(&["stage"])
        .in_unit(Unit::Seconds)
        .by(RecordedBy::Stages),
    counter("strongroom_bytes_total", "bytes of files that a stage has worked through")
        .of(&["stage"])
        .in_unit(Unit::Bytes)
        .by(RecordedBy::Stages),
    counter("strongroom_log_appends_total", "commits to the log"),
    counter("strongroom_log_events_total", "events that were appended to the log"),
    histogram("strongroom_log_append_duration_seconds", "how long a commit to the log takes", APPEND_BUCKETS)
        .in_unit(Unit::Seconds),
    gauge("strongroom_log_size", "events in the site's log").of(&["site"]),
    counter("strongroom_relay_published_total", "messages that the relay has published")
        .of(&["queue"])
        .by(RecordedBy::Relay),
    counter("strongroom_relay_unroutable_total", "messages that no queue took").by(RecordedBy::Relay),
    counter("strongroom_relay_refused_total", "messages that their queue refused, as one that is full does")
        .of(&["queue"])
        .by(RecordedBy::Relay),
    gauge("strongroom_queue_ready", "messages that wait in a queue").of(&["queue"]).by(RecordedBy::Relay),
    gauge("strongroom_queue_consumers", "consumers that a queue has").of(&["queue"]).by(RecordedBy::Relay),
    gauge("strongroom_relay_active", "1 while this process is the site's relay").of(&["site"]).by(RecordedBy::Relay),
    gauge("strongroom_broker_connected", "1 while the connection to publish or to consume is up").of(&["role"]),
    counter("strongroom_broker_reconnects_total", "connections to the broker that were made anew"),
    gauge("strongroom_parked_messages", "messages that nobody can read, put aside for a person")
        .of(&["site"])
        .by(RecordedBy::Relay),
    gauge("strongroom_alarms_raised", "alarms that stand").of(&["kind"]),
    gauge("strongroom_last_run_timestamp_seconds", "when the site's last run was enumerated, as Unix time")
        .of(&["site"])
        .in_unit(Unit::Seconds),
    gauge("strongroom_bookings", "bookings in the site's log, by how they stand").of(&["site", "standing"]),
    gauge("strongroom_figures_timestamp_seconds", "when the figures of the log were last taken, as Unix time")
        .of(&["site"])
        .in_unit(Unit::Seconds),
    gauge("strongroom_mail_failing", "1 while a mail waits that was not handed over at its last attempt").of(&["site"]),
    gauge("strongroom_log_reachable", "1 while this process can read the log, and write it as far as it knows")
        .of(&["site"]),
    gauge("strongroom_server_reachable", "1 while the document server answers this process")
        .of(&["site"])
        .by(RecordedBy::ServerClients),
    gauge(
        "strongroom_processes",
        "processes of that role that give signs of life and can get work, as this one sees it",
    )
    .of(&["site", "role"]),
    gauge("strongroom_missing", "1 while work waits and no process of that role is there, as this one sees it")
        .of(&["site", "role"]),
    gauge("strongroom_signs_timestamp_seconds", "when this process last looked who is there, as Unix time")
        .of(&["site"])
        .in_unit(Unit::Seconds),
    gauge(BUILD_INFO, "1; the version that runs is its label").of(&["version"]),
];

const fn counter(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: MetricKind::Counter, unit: None, help, labels: &[], by: RecordedBy::Every }
}

const fn gauge(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: MetricKind::Gauge, unit: None, help, labels: &[], by: RecordedBy::Every }
}

const fn histogram(name: &'static str, help: &'static str, buckets: &'static [f64]) -> Metric {
    Metric { name, kind: MetricKind::Histogram { buckets }, unit: None, help, labels: &[], by: RecordedBy::Every }
}

impl Metric {
    const fn of(self, labels: &'static [&'static str]) -> Self {
        Self { labels, ..self }
    }

    const fn by(self, by: RecordedBy) -> Self {
        Self { by, ..self }
    }

    const fn in_unit(self, unit: Unit) -> Self {
        Self { unit: Some(unit), ..self }
    }

    pub(super) fn describe(&self) {
        let Self { name, help, .. } = *self;
        let unit = self.unit.unwrap_or(Unit::Count);
        match self.kind {
            MetricKind::Counter => metrics::describe_counter!(name, unit, help),
            MetricKind::Gauge => metrics::describe_gauge!(name, unit, help),
            MetricKind::Histogram { .. } => metrics::describe_histogram!(name, unit, help),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_say_what_they_count_and_in_which_unit() {
        let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len(), "each once");
        for metric in METRICS {
            let name = metric.name;
            assert!(name.starts_with("strongroom_"), "{name}");
            assert_eq!(name.ends_with("_total"), metric.kind == MetricKind::Counter, "{name}");
            assert_eq!(name.ends_with("_seconds"), metric.unit == Some(Unit::Seconds), "{name}");
            if let MetricKind::Histogram { buckets } = metric.kind {
                assert!(buckets.is_sorted(), "{name}");
            }
        }
    }
}
