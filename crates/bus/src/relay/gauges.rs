//! Figures of the log that cost a query, for metrics.

use std::collections::BTreeMap;

use strongroom_eventlog::{EventLog, LogError, Standing};
use strongroom_model::{AlarmKind, SubjectKind};

use crate::obstacles;

/// Takes them. What cannot be read is left as it was.
pub(super) async fn take(log: &EventLog) {
    if let Err(error) = try_take(log).await {
        tracing::debug!(%error, "the log's figures cannot be read");
    }
}

async fn try_take(log: &EventLog) -> Result<(), LogError> {
    let site = log.site().to_string();
    let size = log.head().await?.size;
    metrics::gauge!("strongroom_log_size", "site" => site.clone()).set(figure(size));
    let counts = log.counts().await?;
    for standing in Standing::ALL {
        metrics::gauge!("strongroom_bookings", "site" => site.clone(), "standing" => standing.name())
            .set(figure(counts.of(standing)));
    }
    if let Some(run) = log.last_of(SubjectKind::Run).await? {
        let second = u64::try_from(run.time.as_second()).unwrap_or(0);
        metrics::gauge!("strongroom_last_run_timestamp_seconds", "site" => site).set(figure(second));
    }
    let mut raised = BTreeMap::new();
    for kind in obstacles::raised(log).await? {
        *raised.entry(kind.code()).or_insert(0_u64) += 1;
    }
    for kind in AlarmKind::ALL {
        let count = raised.get(kind.code()).copied().unwrap_or(0);
        metrics::gauge!("strongroom_alarms_raised", "kind" => kind.code()).set(figure(count));
    }
    Ok(())
}

/// A count as a metric's value, which is exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "a metric's value is a float, and such counts do not occur")]
fn figure(count: u64) -> f64 {
    count as f64
}
