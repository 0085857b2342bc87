//! Copies lost after their proof and before they were marked on the server.

use strongroom_eventlog::{AppendError, EventLog};
use strongroom_model::booking::{Booking, Phase};
use strongroom_model::event::{BackedUp, Failed};
use strongroom_model::fold::fold;
use strongroom_model::{BookingId, Event, EventId, Expected, FailureKind, NewEvent, StageName, StreamName};
use strongroom_service::{Clock, actor};

use crate::drive_check::DriveCheckError;

/// How often an append is tried that another worker beats.
const MAX_ATTEMPTS: u32 = 5;

/// Prevents the mark of a lost copy: its booking then needs a person, who has it fetched again. Returns whether it did;
/// a booking that is archived, or has another proof by now, is left alone.
pub(crate) async fn hold_back(
    log: &EventLog,
    clock: &Clock,
    id: &BookingId,
    proof: &BackedUp,
    what: &str,
) -> Result<bool, DriveCheckError> {
    let stream = StreamName::booking(id);
    for _ in 0..MAX_ATTEMPTS {
        let history = log.readable_stream(&stream).await?;
        let (Some(last), Ok(booking)) = (history.last(), fold::<Booking>(&history)) else { return Ok(false) };
        if booking.phase != Phase::BackedUp || booking.backed_up.as_ref() != Some(proof) {
            return Ok(false);
        }
        if booking.failure.is_some_and(|failed| failed.kind == FailureKind::CopyLost) {
            return Ok(true);
        }
        let failed = Failed {
            stage: StageName::Archive,
            kind: FailureKind::CopyLost,
            message: format!("the copy at {} is no longer good: {what}", proof.path),
            attempt: booking.failures.saturating_add(1),
            retry_at: None,
            digest: None,
            next_step: None,
            quarantined: None,
            reached: Vec::new(),
        };
        let time = clock.now();
        let event = NewEvent {
            id: EventId::new(time),
            stream: stream.clone(),
            expected: Expected::After(last.version),
            time,
            actor: actor(StageName::Verify),
            cause: Some(last.id),
            run: None,
            event: Event::TimesheetFailed(failed),
        };
        match log.append(vec![event]).await {
            Ok(_) => return Ok(true),
            // Archive was faster; its event decides.
            Err(AppendError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}
