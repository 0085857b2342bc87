//! Fresh proofs of copies, reported to the server before it is asked to delete.

use strongroom_audit::{BookingCopies, CopyOn};
use strongroom_model::wire::Mark;
use strongroom_model::{BookingId, EventId, StreamName};

/// The mark of a copy, and where its event is.
pub(crate) fn mark(id: &BookingId, booking: &BookingCopies, copy: &CopyOn) -> Option<(Mark, (StreamName, EventId))> {
    let (backed_up, proof) = booking.state.backed_up.as_ref().zip(copy.proven.as_ref())?;
    let mark = Mark {
        id: id.to_string(),
        digest: backed_up.digest.to_string(),
        drive: copy.drive,
        path: copy.path.clone(),
        read_back: proof.read_back,
        proven_at: proof.time,
        event: proof.event,
    };
    let is_first = booking.state.proven.is_some_and(|(event, _)| event == proof.event);
    let stream =
        if is_first { StreamName::booking(id) } else { StreamName::copy(copy.drive, id, booking.sha256.as_ref()?) };
    Some((mark, (stream, proof.event)))
}
