use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter};
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use super::ServiceIdentity;
use super::outage::Outage;

/// Spans of the libraries that send ours would beget more.
const OUR_TARGETS: &str = "strongroom";
/// Spans that log lines need not show have the level `debug`.
const KEPT_LEVEL: LevelFilter = LevelFilter::DEBUG;
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);
/// While the collector is away, later spans are lost.
const MAX_WAITING_SPANS: usize = 2048;
/// For the last spans, at the program's end.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);

/// Traces sent with OTLP over HTTP, if configured.
#[derive(Debug)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    pub(super) const fn none() -> Self {
        Self(None)
    }

    /// Nothing is sent yet: an absent collector is not an error.
    pub(super) fn to(endpoint: &Url, who: &ServiceIdentity<'_>) -> Result<Self, String> {
        let runtime = Handle::try_current().map_err(|error| error.to_string())?;
        // The client needs a TLS provider, and panics without one.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_endpoint(traces_address(endpoint))
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(EXPORT_TIMEOUT)
            .build()
            .map_err(|error| error.to_string())?;
        let exporter = Exporter { inner: Arc::new(exporter), runtime, outage: Outage::default() };
        let bounds = BatchConfigBuilder::default().with_max_queue_size(MAX_WAITING_SPANS).build();
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(bounds).build();
        let provider = SdkTracerProvider::builder().with_span_processor(processor).with_resource(resource(who)).build();
        Ok(Self(Some(provider)))
    }

    pub(super) fn layer<S>(&self) -> Option<impl Layer<S> + Send + Sync + use<S>>
    where
        S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
    {
        let tracer = self.0.as_ref()?.tracer("strongroom");
        let ours = Targets::new().with_target(OUR_TARGETS, KEPT_LEVEL);
        Some(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(ours))
    }

    /// Sends the remaining spans, within a bound. Call it last.
    pub async fn flush(self) {
        let Some(provider) = self.0 else { return };
        // It waits for the sending thread, so it must not block the runtime's.
        let flushed = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_WITHIN));
        if let Ok(Err(error)) = flushed.await {
            tracing::debug!(%error, "the last traces were not sent");
        }
    }
}

/// As the protocol has it.
fn traces_address(endpoint: &Url) -> String {
    format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'))
}

fn resource(who: &ServiceIdentity<'_>) -> Resource {
    Resource::builder()
        .with_service_name(format!("strongroom-{}", who.verb))
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", format!("{}:{}", crate::actor::host_name(), std::process::id())),
            KeyValue::new("host.name", crate::actor::host_name()),
            KeyValue::new("strongroom.site", who.site.to_string()),
        ])
        .build()
}

/// Sends on the runtime, which the HTTP client needs: the collecting thread is outside of it.
#[derive(Debug)]
struct Exporter {
    inner: Arc<opentelemetry_otlp::SpanExporter>,
    runtime: Handle,
    outage: Outage,
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let inner = Arc::clone(&self.inner);
        // Without a runtime this ends at once.
        let sent = self.runtime.spawn(async move { inner.export(batch).await }).await;
        let sent = sent.unwrap_or_else(|error| Err(OTelSdkError::InternalFailure(error.to_string())));
        self.outage.note(&sent, spans);
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        // Nothing was exported yet, so it is not shared.
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.set_resource(resource);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_go_below_the_collectors_address() {
        for (endpoint, address) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://otel.example.com/collect/", "https://otel.example.com/collect/v1/traces"),
        ] {
            assert_eq!(traces_address(&endpoint.parse().unwrap()), address);
        }
    }

    #[test]
    fn without_a_runtime_nothing_could_be_sent() {
        let site = "main".parse().unwrap();
        let who = ServiceIdentity { verb: "fetch", site: &site };
        assert!(Traces::to(&"http://127.0.0.1:4318".parse().unwrap(), &who).is_err());
    }
}
