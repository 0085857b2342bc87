//! The log's metrics; without a recorder they cost nothing.

use std::time::Duration;

use metrics::{counter, gauge, histogram};
use strongroom_model::SiteId;

pub(crate) fn commit(events: usize, took: Duration) {
    counter!("strongroom_log_events_total").increment(events as u64);
    histogram!("strongroom_log_append_duration_seconds").record(took.as_secs_f64());
}

pub(crate) fn appends(answered: usize) {
    counter!("strongroom_log_appends_total").increment(answered as u64);
}

pub(crate) fn size(site: &SiteId, events: u64) {
    gauge!("strongroom_log_size", "site" => site.as_str().to_owned()).set(events as f64);
}
