//! A request that failed as a whole: whose fault is it?

use strongroom_bus::{Failure, Fate, Outcome};
use strongroom_source::{Source, SourceError};

/// What a failed request means for a booking that was alone in it. An error that is
/// nobody's in particular is believed to be the booking's own only if the server can
/// otherwise work.
pub(crate) async fn of_one(source: &Source, error: &SourceError) -> Outcome {
    if let Some(obstacle) = error.obstacle() {
        return Outcome::Obstructed(obstacle);
    }
    if let Err(broken) = source.check().await {
        return Outcome::Obstructed(broken.into_obstacle());
    }
    let fate = if error.is_passing() { Fate::Retry } else { Fate::Person };
    Outcome::Failed(Failure::new(error.failure_kind(), error.to_string(), fate))
}
