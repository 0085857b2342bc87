//! A request about one booking that failed.

use strongroom_bus::{Failure, Fate};
use strongroom_source::SourceError;

/// The failure of a booking that was alone in its request.
pub(crate) fn of_one(error: &SourceError) -> Failure {
    let fate = match (error.is_passing(), error.retry_after()) {
        (true, Some(wait)) => Fate::RetryAfter(wait),
        (true, None) => Fate::Retry,
        (false, _) => Fate::Person,
    };
    Failure::new(error.failure_kind(), error.to_string(), fate)
}
