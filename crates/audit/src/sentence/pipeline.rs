//! Sentences about runs, drives, alarms and summaries.

use strongroom_model::event::{
    AlarmNotified, AlarmRaised, DiskOf, DriveAttached, RunEnumerated, RunRequested, SummaryComposed, Trigger,
    ZeroReason,
};

use super::{clause, count, quoted};

pub(super) fn run_requested(run: &str, data: &RunRequested) -> String {
    let by = match data.trigger {
        Trigger::Schedule => "by the schedule",
        Trigger::Once => "with --once",
    };
    format!("Run {run} was requested {by}: the oldest {} at most.", count(u64::from(data.oldest), "booking"))
}

pub(super) fn run_enumerated(run: &str, data: &RunEnumerated) -> String {
    let taken = match data.zero_reason {
        None => format!("claimed {}", count(data.enumerated, "booking")),
        Some(ZeroReason::NothingWaiting) => "claimed none, since nothing waits".to_owned(),
        Some(ZeroReason::AllClaimed) => {
            "claimed none, since all that wait are claimed already or need a person".to_owned()
        }
        Some(ZeroReason::NoneUsable) => "claimed none, since no record that waits could be used".to_owned(),
        Some(ZeroReason::NoneListed) => {
            "claimed none, since the server's list shows none of those that wait".to_owned()
        }
    };
    let mut rest = String::new();
    for (number, what) in [
        (data.claimed, "claimed by earlier runs"),
        (data.forgotten, "archived before, but forgotten by the server"),
        (data.unusable, "with a record that cannot be used"),
    ] {
        if number > 0 {
            rest.push_str(&format!("; {number} {what}"));
        }
    }
    format!("Run {run} found {} waiting, looked at {} and {taken}{rest}.", data.waiting, data.listed)
}

pub(super) fn drive_attached(drive: &str, data: DriveAttached) -> String {
    let disk = match data.disk {
        DiskOf::Own => "on a disk of its own",
        DiskOf::System => "on the disk of the system",
        DiskOf::Log => "on the disk of the log",
        DiskOf::Documents => "on the disk of the documents",
        DiskOf::Memory => "in memory",
    };
    let proven = match data.cached_is_proven {
        false => "copies are proven only by what is read from the device",
        true => "copies are proven even where a cache may have answered",
    };
    format!("Drive {drive} was found attached, {disk}; {proven}.")
}

pub(super) fn alarm_raised(data: &AlarmRaised) -> String {
    format!(
        "Alarm {} ({}): {}. What to do: {}.",
        data.kind.code(),
        clause(&data.subject),
        clause(&data.message),
        clause(&data.next_step)
    )
}

pub(super) fn alarm_notified(alarm: &str, data: &AlarmNotified) -> String {
    let what = count(data.about.len() as u64, "change");
    format!("A mail about {what} of alarm {alarm} was handed over: {}.", clause(&data.receipt))
}

pub(super) fn summary_composed(data: &SummaryComposed) -> String {
    let interval = match data.to.0.saturating_sub(data.from.0) {
        0 => "no event".to_owned(),
        1 => format!("position {}", data.from),
        _ => format!("positions {} to {}", data.from, data.to.0 - 1),
    };
    format!("Summary {} was composed: {}, covering {interval}.", data.number, quoted(&data.title))
}
