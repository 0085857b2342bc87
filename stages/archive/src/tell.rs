//! What the server is told of one booking, and what its answer means. Pure.

use strongroom_bus::{Done, Failure, Fate, Outcome, Task};
use strongroom_model::booking::Booking;
use strongroom_model::event::Archived;
use strongroom_model::wire::{Answer, AnswerOutcome, Mark};
use strongroom_model::{BookingId, Event, FailureKind};

/// A task whose booking can be told of.
#[derive(Debug)]
pub(crate) struct Proven {
    pub(crate) task: Task<Booking>,
    pub(crate) booking: BookingId,
    pub(crate) mark: Mark,
}

impl Proven {
    /// The task with its proof; a booking without one is none of this stage's.
    pub(crate) fn new(task: Task<Booking>) -> Result<Self, Box<Task<Booking>>> {
        match mark(&task) {
            Some((booking, mark)) => Ok(Self { task, booking, mark }),
            None => Err(Box::new(task)),
        }
    }

    pub(crate) fn settled(self, outcome: Outcome) -> (Task<Booking>, Outcome) {
        (self.task, outcome)
    }
}

/// The proof: what was read back, of the event that records it, whichever attempt this is.
fn mark(task: &Task<Booking>) -> Option<(BookingId, Mark)> {
    let booking = task.stream.as_booking()?;
    let copy = task.state.backed_up.as_ref()?;
    let (event, proven_at) = task.state.proven?;
    let mark = Mark {
        id: booking.to_string(),
        digest: copy.digest.to_string(),
        drive: copy.drive,
        path: copy.path.clone(),
        read_back: copy.read_back,
        proven_at,
        event,
    };
    Some((booking, mark))
}

/// Why the server did not do it, if it did not.
pub(crate) fn refusal(answer: &Answer, what: &str) -> Option<Failure> {
    match answer.outcome {
        AnswerOutcome::Done | AnswerOutcome::Already => None,
        AnswerOutcome::Refused => {
            let reason = answer.reason.as_deref().unwrap_or("it gave no reason");
            let message = format!("the server refused to {what} {}: {reason}", answer.id);
            Some(Failure::new(FailureKind::Refused, message, Fate::Person))
        }
    }
}

/// What a move's answer means for its booking.
pub(crate) fn moved(answer: &Answer) -> Outcome {
    if let Some(failure) = refusal(answer, "move") {
        return Outcome::Failed(failure);
    }
    let (Some(month), Some(path)) = (answer.month, &answer.path) else {
        let message = format!("the server says that {} is moved, but not where to", answer.id);
        return Outcome::Failed(Failure::new(FailureKind::BadAnswer, message, Fate::Person));
    };
    Outcome::Done(Done::event(Event::TimesheetArchived(Archived { month, path: path.clone() })))
}
