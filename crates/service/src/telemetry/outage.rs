use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry_sdk::error::OTelSdkResult;

/// Logs once when the collector becomes unreachable, and once when it is back.
#[derive(Debug, Default)]
pub(super) struct Outage {
    lost_spans: AtomicU64,
}

impl Outage {
    pub(super) fn note(&self, sent: &OTelSdkResult, spans: u64) {
        match sent {
            Ok(()) => match self.lost_spans.swap(0, Ordering::Relaxed) {
                0 => {}
                lost => tracing::info!(lost_spans = lost, "the collector takes traces again"),
            },
            Err(error) => {
                let lost_before = self.lost_spans.fetch_add(spans, Ordering::Relaxed);
                if lost_before == 0 {
                    tracing::warn!(
                        %error,
                        "the collector does not take traces: look at it and at telemetry.otlp_endpoint; \
                         the work goes on, and traces are tried again"
                    );
                }
            }
        }
    }
}
