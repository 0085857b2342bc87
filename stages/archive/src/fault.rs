//! A request that failed as a whole: whose fault is it?

use strongroom_bus::{Failure, Fate};
use strongroom_model::event::AlarmRaised;
use strongroom_source::{Source, SourceError};

/// The alarm to raise where the server is to blame, and `None` where one of the bookings in
/// the request is. An error that may pass is believed to be a booking's own only if the
/// server can otherwise work.
pub(crate) async fn server_is_to_blame(source: &Source, error: &SourceError) -> Option<AlarmRaised> {
    let certain = !error.is_passing() || error.is_certainly_the_servers();
    if let Some(obstacle) = error.obstacle().filter(|_| certain) {
        return Some(obstacle);
    }
    source.check().await.err().map(SourceError::into_obstacle)
}

/// The failure of a booking that was alone in its request.
pub(crate) fn of_one(error: &SourceError) -> Failure {
    let fate = match (error.is_passing(), error.retry_after()) {
        (true, Some(wait)) => Fate::RetryAfter(wait),
        (true, None) => Fate::Retry,
        (false, _) => Fate::Person,
    };
    Failure::new(error.failure_kind(), error.to_string(), fate)
}
