//! Every event as one plain sentence.
//!
//! What came from outside is escaped and shortened, so that a sentence is one line and says what it seems to say
//! (rule R9).

mod custody;
mod drive;
mod job;
mod key;
mod pipeline;
mod purge;
mod timesheet;

use strongroom_model::event::Failed;
use strongroom_model::text::printable;
use strongroom_model::{Digest, Event, Recorded};

/// Enough to recognise a name, in a line of a screen or two.
const NAME_CHARS: usize = 120;
/// Enough to tell two files apart by eye; the event has the whole digest.
const DIGEST_DIGITS: usize = 12;

/// What happened, in one sentence.
#[must_use]
#[expect(clippy::too_many_lines, reason = "one table with a line for each type of event")]
pub fn sentence(recorded: &Recorded) -> String {
    let who = recorded.stream.id();
    match &recorded.event {
        Event::TimesheetEnumerated(data) => timesheet::enumerated(who, data),
        Event::TimesheetFetched(data) => timesheet::fetched(who, data),
        Event::TimesheetBackedUp(data) => timesheet::backed_up(who, data),
        Event::TimesheetArchived(data) => timesheet::archived(who, data),
        Event::TimesheetPurged(data) => timesheet::purged(who, data),
        Event::TimesheetRestored(data) => timesheet::restored(who, data),
        Event::TimesheetRetried(data) => timesheet::retried(who, data),
        Event::TimesheetHeld(data) => timesheet::held(&format!("booking {who}"), data),
        Event::TimesheetFailed(data) => failed(&format!("booking {who}"), data),
        Event::RunRequested(data) => pipeline::run_requested(who, data),
        Event::RunEnumerated(data) => pipeline::run_enumerated(who, data),
        Event::RunFailed(data) => failed(&format!("run {who}"), data),
        Event::DriveInitialised(data) => {
            format!("Drive {who} was set up for backups, with the label {}.", quoted(&data.label))
        }
        Event::DriveAttached(data) => pipeline::drive_attached(who, *data),
        Event::DriveUsed(data) => drive::used(who, data),
        Event::DriveAdopted(data) => drive::adopted(who, data),
        Event::DriveIdentityRestored(data) => {
            format!("The identity of drive {who} was written back from the log: {}.", clause(&data.evidence))
        }
        Event::DriveHandedOver(data) => drive::handed_over(who, data),
        Event::DriveReturned(data) => drive::returned(who, data),
        Event::DriveRetired(data) => drive::retired(who, data),
        Event::DriveLost(data) => format!("Drive {who} is lost: {}. Its copies count no longer.", clause(&data.reason)),
        Event::CopyMade(data) => custody::made(data),
        Event::CopyProven(data) => custody::proven(data),
        Event::CopyDamaged(data) => custody::damaged(data),
        Event::CopyRepaired(data) => custody::repaired(data),
        Event::CopyRestored(data) => custody::restored(data),
        Event::CustodyRequested(data) => custody::requested(who, data),
        Event::CustodyAdvanced(data) => custody::advanced(who, data),
        Event::CustodyFinished(data) => custody::finished(who, &data.tally),
        Event::CustodyCancelled(data) => format!("Act {who} was cancelled: {}.", clause(&data.reason)),
        Event::PurgeProposed(data) => purge::proposed(who, data),
        Event::PurgeApproved(data) => {
            format!("{} approved purge {who} at {}.", quoted(&data.approved_by), instant(data.approved_at))
        }
        Event::PurgeRefused(data) => {
            format!("{} refused purge {who}: {}.", quoted(&data.refused_by), clause(&data.reason))
        }
        Event::PurgeRequested(data) => format!(
            "Purge {who} is to be executed, for files that are proven on {} at least.",
            count(u64::from(data.drives_needed), "drive")
        ),
        Event::PurgeAdvanced(data) => purge::advanced(who, data),
        Event::PurgeFinished(data) => purge::finished(who, &data.tally),
        Event::HostJoined(data) => job::host_joined(who, data),
        Event::HostRetired(data) => format!("Host {who} is retired: {}.", clause(&data.reason)),
        Event::JobDefined(data) => job::defined(who, data),
        Event::JobRetired(data) => format!("Job {who} is not done any more: {}.", clause(&data.reason)),
        Event::JobRunDue(data) => format!("Run {} of job {who} is due.", data.run),
        Event::JobCancelRequested(data) => {
            format!("Run {} of job {who} is to be ended: {}.", data.run, clause(&data.reason))
        }
        Event::JobRunEnded(data) => job::ended(who, data),
        Event::JobRunRequested(data) => job::requested(who, data),
        Event::JobRunStarted(data) => job::started(who, data),
        Event::JobRunTransferred(data) => job::transferred(who, data),
        Event::JobRunVerified(data) => job::verified(who, data),
        Event::JobRunCancelled(data) => format!("Run {who} was ended before its time: {}.", clause(&data.reason)),
        Event::AlarmRaised(data) => pipeline::alarm_raised(data),
        Event::AlarmCleared(data) => format!("Alarm {who} is over: {}.", clause(&data.message)),
        Event::AlarmNotified(data) => pipeline::alarm_notified(who, data),
        Event::AlarmFailed(data) => failed(&format!("the mail about alarm {who}"), data),
        Event::SummaryComposed(data) => pipeline::summary_composed(data),
        Event::SummarySent(data) => format!("Summary {who} was handed over: {}.", clause(&data.receipt)),
        Event::SummaryFailed(data) => failed(&format!("the mail of summary {who}"), data),
        Event::KeyCreated(data) => key::created(data),
        Event::KeyRotated(data) => key::rotated(data),
        Event::WitnessAdded(data) => key::witness_added(data),
        Event::WitnessRemoved(data) => key::witness_removed(data),
        Event::WorkAttemptFailed(data) | Event::WorkFailed(data) => failed(&recorded.stream.to_string(), data),
        Event::WorkHeld(data) => timesheet::held(&recorded.stream.to_string(), data),
        #[cfg(feature = "sample-family")]
        Event::SampleRequested(_) => format!("Sample {who} is due."),
        #[cfg(feature = "sample-family")]
        Event::SampleTaken(_) => format!("Sample {who} was taken."),
    }
}

fn failed(subject: &str, data: &Failed) -> String {
    let stage = data.stage.name();
    let what = format!(
        "The {stage} stage could not do its work on {subject} (attempt {}): {}: {}.",
        data.attempt,
        data.kind.cause(),
        clause(&data.message)
    );
    let aside = data
        .quarantined
        .as_ref()
        .map_or_else(String::new, |path| format!(" The bad copy was put aside at {}.", quoted(path)));
    let fate = data.retry_at.map_or_else(
        || format!(" It needs a person: {}.", data.step()),
        |due| format!(" It is tried again at {}.", instant(due)),
    );
    format!("{what}{aside}{fate}")
}

fn quoted(name: &str) -> String {
    format!("“{}”", printable(name, NAME_CHARS))
}

/// A message on one line, without its full stop.
fn clause(message: &str) -> String {
    printable(message.trim().trim_end_matches('.'), NAME_CHARS * 2)
}

fn short(digest: &Digest) -> String {
    let hex = digest.hex();
    format!("{}:{}…", digest.algorithm().name(), &hex[..DIGEST_DIGITS.min(hex.len())])
}

fn instant(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `1 booking`, `2 bookings`.
fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests;
