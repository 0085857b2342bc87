//! Trace contexts between processes: `traceparent` (W3C Trace Context, level 1).

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Makes `span`, not yet entered, a child of the sender's. Invalid values, as strangers may send them, are ignored.
pub fn follow(span: &Span, traceparent: &str) {
    if let Some(parent) = parse(traceparent) {
        // Fails only without traces.
        let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(parent));
    }
}

/// Links `span` to the sender's, for work on many messages at once.
pub fn link(span: &Span, traceparent: &str) {
    if let Some(other) = parse(traceparent) {
        span.add_link(other);
    }
}

fn parse(traceparent: &str) -> Option<SpanContext> {
    let carrier = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract_with_context(&opentelemetry::Context::new(), &carrier);
    let span = context.span().span_context().clone();
    span.is_valid().then_some(span)
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const SENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_span_follows_or_links_to_what_another_process_sent() {
        let kept = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let child = tracing::info_span!("child");
            follow(&child, SENT);
            let batch = tracing::info_span!("batch");
            link(&batch, SENT);
            link(&batch, "00-garbage");
        });
        let spans = kept.get_finished_spans().unwrap();
        let [batch, child] = ["batch", "child"].map(|name| spans.iter().find(|span| span.name == name).unwrap());
        assert_eq!(child.parent_span_id.to_string(), "b7ad6b7169203331");
        assert_eq!(child.span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(batch.links.len(), 1);
        assert_eq!(batch.links[0].span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_ne!(batch.span_context.trace_id(), child.span_context.trace_id());
    }

    #[test]
    fn what_is_no_traceparent_is_none() {
        let zero = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        for bad in ["", "00", zero, "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-é-1-1"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert!(parse(SENT).is_some());
    }
}
