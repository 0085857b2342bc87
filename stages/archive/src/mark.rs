//! One booking's mark, and what the server's answer means. Pure.

use strongroom_bus::{Done, Failure, Fate, Task, TaskOutcome};
use strongroom_model::booking::Booking;
use strongroom_model::event::{AlarmKey, AlarmRaised, Archived};
use strongroom_model::wire::{Answer, AnswerOutcome, Mark, RefusalCause};
use strongroom_model::{AlarmKind, BookingId, Event, FailureKind};
use strongroom_source::no_storage;

/// A task whose booking has a proof.
#[derive(Debug)]
pub(crate) struct MarkTask {
    pub(crate) task: Task<Booking>,
    pub(crate) booking: BookingId,
    pub(crate) mark: Mark,
}

impl MarkTask {
    pub(crate) fn new(task: Task<Booking>) -> Result<Self, Box<Task<Booking>>> {
        match mark(&task) {
            Some((booking, mark)) => Ok(Self { task, booking, mark }),
            None => Err(Box::new(task)),
        }
    }

    pub(crate) fn settled(self, outcome: TaskOutcome) -> (Task<Booking>, TaskOutcome) {
        (self.task, outcome)
    }
}

/// The proof's own event, whichever attempt this is.
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

/// The outcome if the server refused.
pub(crate) fn refusal(one: &MarkTask, answer: &Answer, what: &str) -> Option<TaskOutcome> {
    match answer.outcome {
        AnswerOutcome::Done | AnswerOutcome::Already => None,
        AnswerOutcome::Refused => {
            let reason = answer.reason.as_deref().unwrap_or("it gave no reason");
            Some(refused(one, answer.cause, reason, what))
        }
    }
}

fn refused(one: &MarkTask, cause: Option<RefusalCause>, reason: &str, what: &str) -> TaskOutcome {
    let message = format!("the server refused to {what} {}: {reason}", one.booking);
    let failure = |kind, fate| Failure::new(kind, message.clone(), fate);
    TaskOutcome::Failed(match cause {
        // Every other booking would fail as well.
        Some(RefusalCause::Storage) => return TaskOutcome::Obstructed(no_storage(reason)),
        Some(RefusalCause::Busy) => failure(FailureKind::Refused, Fate::Retry),
        Some(RefusalCause::FileMissing) => failure(FailureKind::FileMissing, Fate::Person),
        Some(RefusalCause::FileChanged) => {
            let raise = AlarmRaised {
                kind: AlarmKind::RecordWrong,
                subject: one.booking.to_string(),
                message: format!(
                    "the file of booking {} on the server was changed after its copy was proven, and was not moved: {reason}",
                    one.booking
                ),
                next_step: FailureKind::FileChanged.step().to_owned(),
            };
            Failure { raise: Some(raise), ..failure(FailureKind::FileChanged, Fate::Person) }
        }
        Some(_) | None => failure(FailureKind::Refused, Fate::Person),
    })
}

pub(crate) fn moved(one: &MarkTask, answer: &Answer) -> TaskOutcome {
    if let Some(outcome) = refusal(one, answer, "move") {
        return outcome;
    }
    let (Some(month), Some(path)) = (answer.month, &answer.path) else {
        let message = format!("the server says that {} is moved, but not where to", answer.id);
        return TaskOutcome::Failed(Failure::new(FailureKind::BadAnswer, message, Fate::Person));
    };
    let mut done = Done::event(Event::TimesheetArchived(Archived { month, path: path.clone() }));
    if one.task.state.record_wrong {
        let key = AlarmKey::new(AlarmKind::RecordWrong, &one.booking);
        done.clear.push((key, format!("the file of booking {} is as it was signed off, and archived", one.booking)));
    }
    TaskOutcome::Done(done)
}
