use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strongroom_drive::Drive;
use strongroom_model::SiteId;
use strongroom_service::blocking;
use tokio::time::{Instant, sleep_until};

/// How long nothing must have been listed. Rewriting a month's manifest costs as much as the month is long: not after
/// each of a night's runs, but before somebody takes the drive away in the morning.
const QUIET: Duration = Duration::from_secs(10 * 60);

/// Folds journals into manifests when no copy was listed for a while, and at the end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folding(Arc<Mutex<FoldingState>>);

#[derive(Debug, Default)]
struct FoldingState {
    listed: Option<(Drive, SiteId, Instant)>,
    /// Whether a task waits for quiet.
    is_waiting: bool,
}

impl Folding {
    /// Copies were listed just now.
    pub(crate) fn listed(&self, drive: &Drive, site: &SiteId) {
        let mut state = self.state();
        state.listed = Some((drive.clone(), site.clone(), Instant::now()));
        if !std::mem::replace(&mut state.is_waiting, true) {
            tokio::spawn(self.clone().when_quiet());
        }
    }

    pub(crate) async fn now(&self) {
        let listed = self.state().listed.take();
        let Some((drive, site, _)) = listed else { return };
        let id = drive.identity().id;
        match blocking(move || drive.fold(&site)).await {
            Ok(months) => tracing::debug!(months = months.len(), "journals were folded into their manifests"),
            Err(error) => {
                tracing::warn!(drive = %id, %error, "journals were not folded into their manifests: the next start folds them");
            }
        }
    }

    async fn when_quiet(self) {
        loop {
            let due = {
                let mut state = self.state();
                let due = state.listed.as_ref().map(|(_, _, since)| *since + QUIET);
                state.is_waiting = due.is_some();
                due
            };
            match due {
                None => return,
                Some(due) if due > Instant::now() => sleep_until(due).await,
                Some(_) => self.now().await,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, FoldingState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
