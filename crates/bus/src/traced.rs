use std::collections::BTreeMap;

use strongroom_model::StageName;
use strongroom_service::trace;
use tracing::Span;

use crate::broker::message::trace_of;
use crate::stage::Task;

/// A batch's span. It belongs to the first event's trace, mostly their run's, and links to the others'. Its level is
/// `debug`, so that log lines do not show it.
pub(crate) fn batch<T>(stage: StageName, tasks: &[Task<T>]) -> Span {
    let span = tracing::debug_span!("batch", otel.name = stage.name(), tasks = tasks.len());
    if !span.is_disabled() {
        let (first, others) = distinct(tasks.iter().map(|task| trace_of(&task.trigger)));
        first.iter().for_each(|parent| trace::follow(&span, parent));
        others.iter().for_each(|other| trace::link(&span, other));
    }
    span
}

fn distinct(traceparents: impl Iterator<Item = String>) -> (Option<String>, Vec<String>) {
    let mut traceparents = traceparents.peekable();
    let first = traceparents.peek().cloned();
    let mut others = BTreeMap::new();
    for traceparent in traceparents {
        others.entry(id(&traceparent).to_owned()).or_insert(traceparent);
    }
    if let Some(first) = &first {
        others.remove(id(first));
    }
    (first, others.into_values().collect())
}

/// The second of four parts is the trace's id.
fn id(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).unwrap_or(traceparent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_belongs_to_its_first_trace_and_is_linked_once_to_each_other() {
        let sent = ["00-aa-1-01", "00-aa-2-01", "00-bb-3-01", "00-bb-4-01", "00-aa-5-01"].map(str::to_owned);
        let (first, others) = distinct(sent.into_iter());
        assert_eq!((first.as_deref(), others), (Some("00-aa-1-01"), vec!["00-bb-3-01".to_owned()]));
        assert_eq!(distinct(std::iter::empty()), (None, vec![]));
    }
}
