//! Metrics in Prometheus' text format, recorded with the `metrics` crate's macros, which do almost nothing before
//! [`install`](Metrics::install). [`table`](mod@table) lists all.

pub mod table;

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

pub use self::table::{METRICS, Metric, MetricKind, RecordedBy};

/// How often measurements go into buckets. Until then each is kept, so this bounds their memory.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// The recorded metrics; clones share them.
#[derive(Debug, Clone)]
pub struct Metrics(PrometheusHandle);

/// The metrics cannot be recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the metrics cannot be recorded: {0}")]
pub struct MetricsError(String);

impl Metrics {
    /// Starts recording; later calls return the same.
    pub fn install() -> Result<Self, MetricsError> {
        static INSTALLED: OnceLock<Result<Metrics, MetricsError>> = OnceLock::new();
        INSTALLED.get_or_init(install).clone()
    }

    /// All metrics as text.
    pub fn render(&self) -> String {
        self.0.render()
    }

    pub(crate) async fn keep_up(self) {
        loop {
            tokio::time::sleep(UPKEEP_EVERY).await;
            self.0.run_upkeep();
        }
    }
}

fn install() -> Result<Metrics, MetricsError> {
    let failed = |error: &dyn std::fmt::Display| MetricsError(error.to_string());
    let mut builder = PrometheusBuilder::new();
    for metric in METRICS {
        if let MetricKind::Histogram { buckets } = metric.kind {
            let matcher = Matcher::Full(metric.name.to_owned());
            builder = builder.set_buckets_for_metric(matcher, buckets).map_err(|error| failed(&error))?;
        }
    }
    let handle = builder.install_recorder().map_err(|error| failed(&error))?;
    for metric in METRICS {
        metric.describe();
    }
    metrics::gauge!(table::BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(Metrics(handle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_rendered_with_its_help_and_buckets() {
        let metrics = Metrics::install().unwrap();
        let again = Metrics::install().unwrap();
        metrics::counter!("strongroom_bytes_total", "stage" => "fetch").increment(420);
        metrics::histogram!("strongroom_log_append_duration_seconds").record(0.003);
        let text = again.render();
        assert_eq!(text, metrics.render());
        assert!(
            text.contains("# TYPE strongroom_bytes_total counter\nstrongroom_bytes_total{stage=\"fetch\"} 420"),
            "{text}"
        );
        assert!(text.contains("# HELP strongroom_bytes_total "), "{text}");
        assert!(text.contains("strongroom_log_append_duration_seconds_bucket{le=\"0.005\"} 1"), "{text}");
        assert!(text.contains("strongroom_log_append_duration_seconds_bucket{le=\"0.0025\"} 0"), "{text}");
        let version = format!("strongroom_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
        assert!(text.contains(&version), "{text}");
    }
}
