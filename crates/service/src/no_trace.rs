//! Where a piece of work stands in its trace, in a program that was built without the feature `otlp`: nowhere.

use tracing::Span;

/// The header's name, in messages as in requests.
pub const TRACEPARENT: &str = "traceparent";

/// Nothing: no traces are kept.
#[must_use]
pub const fn current_traceparent() -> Option<String> {
    None
}

/// Changes nothing: no traces are kept.
pub const fn follow(_: &Span, _: &str) {}

/// Changes nothing: no traces are kept.
pub const fn link(_: &Span, _: &str) {}
