use jiff::tz::TimeZone;
use strongroom_model::text::shown_to_the_minute;
use strongroom_model::{FailureKind, SubjectKind};

use super::{Need, ViewRow};
use crate::format_text::{count, files, full_stop, name, plural, sentence};
use crate::summary::open::{Group, LastingAlarm, Stuck};
use crate::summary::report::SummaryReport;
use crate::summary::tally::MAX_LISTED;

/// Files first, then lasting conditions, then the server's records.
pub(super) fn needs(report: &SummaryReport, zone: &TimeZone) -> Vec<Need> {
    let mut needs: Vec<Need> =
        report.open.attention.groups.iter().map(|((subject, cause), group)| stuck(*subject, *cause, group)).collect();
    let alarms = &report.open.alarms;
    needs.extend(alarms.list.iter().take(MAX_LISTED).map(|alarm| lasting_alarm(alarm, zone)));
    let left_out = alarms.list.len().saturating_sub(MAX_LISTED) as u64;
    if left_out > 0 || alarms.maybe_more {
        needs.push(Need {
            heading: match left_out {
                0 => "There may be further alarms: too many to look through all".to_owned(),
                _ => format!("{} more last", plural(left_out, "alarm", "alarms")),
            },
            step: "`strongroom status` shows them.".to_owned(),
            items: Vec::new(),
            left_out: String::new(),
        });
    }
    needs.extend(unusable(report));
    needs.extend(unreadable(report));
    needs
}

fn stuck(subject: SubjectKind, kind: FailureKind, group: &Group) -> Need {
    let items: Vec<ViewRow> = group.shown.values().map(item).collect();
    let number = match subject {
        SubjectKind::Booking => files(group.total),
        other => format!("{} × {}", count(group.total), other.name()),
    };
    Need {
        heading: format!("{number}: {}", kind.cause()),
        step: full_stop(kind.step()),
        left_out: and_more(group.total - items.len() as u64),
        items,
    }
}

fn item(stuck: &Stuck) -> ViewRow {
    let mut note = full_stop(&stuck.message);
    if let Some(path) = &stuck.quarantined {
        note.push_str(&format!(" The bad copy is at {}.", name(path)));
    }
    let value = match (&stuck.filename, stuck.stream.kind()) {
        (Some(filename), _) => name(filename),
        (None, SubjectKind::Booking) => "(its file was never seen)".to_owned(),
        (None, _) => String::new(),
    };
    ViewRow { label: sentence(&format!("{} {}", stuck.stream.kind().name(), stuck.stream.id())), value, note }
}

fn lasting_alarm(alarm: &LastingAlarm, zone: &TimeZone) -> Need {
    let raised = &alarm.raised;
    Need {
        heading: format!("{}, since {}", raised.kind.title(), shown_to_the_minute(alarm.since, zone)),
        step: full_stop(&raised.next_step),
        items: vec![ViewRow {
            label: sentence(&raised.message),
            value: String::new(),
            note: raised.kind.meanwhile().to_owned(),
        }],
        left_out: String::new(),
    }
}

fn unusable(report: &SummaryReport) -> Option<Need> {
    let rejected = &report.tally.runs.rejected;
    let number = rejected.total();
    let heading = match number {
        0 => return None,
        1 => "1 of the server's records cannot be used".to_owned(),
        _ => format!("{} of the server's records cannot be used", count(number)),
    };
    let items = rejected.first().iter().map(|rejected| ViewRow {
        label: format!("Booking {}", name(&rejected.booking)),
        value: String::new(),
        note: full_stop(&rejected.reason),
    });
    Some(Need {
        heading,
        step: "Correct the records on the server; the next run takes them by itself.".to_owned(),
        items: items.collect(),
        left_out: and_more(rejected.left_out()),
    })
}

fn unreadable(report: &SummaryReport) -> Option<Need> {
    let unreadable = &report.tally.unreadable;
    let number = unreadable.total();
    let items = unreadable.first().iter().map(|position| ViewRow {
        label: format!("Position {position}"),
        value: String::new(),
        note: "Its subject is left alone, and is in none of these numbers.".to_owned(),
    });
    (number > 0).then(|| Need {
        heading: format!("{} of the log cannot be read", plural(number, "event", "events")),
        step: "Upgrade strongroom here if a later version is at work elsewhere; `strongroom log verify` says more."
            .to_owned(),
        items: items.collect(),
        left_out: and_more(unreadable.left_out()),
    })
}

pub(super) fn and_more(left_out: u64) -> String {
    if left_out == 0 { String::new() } else { format!("and {} more", count(left_out)) }
}
