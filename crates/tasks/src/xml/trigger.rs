//! The children of `<Triggers>`.

use roxmltree::Node;

use super::node::{Reader, boolean, child, child_text, quoted, text};
use super::trigger_kinds::{calendar, event, of_event};
use crate::task::{Repetition, Schedule, SessionChange, Trigger};
use crate::{Moment, Span};

const COMMON: [&str; 7] =
    ["Enabled", "StartBoundary", "EndBoundary", "Repetition", "ExecutionTimeLimit", "RandomDelay", "Delay"];

pub(super) fn trigger(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Trigger {
    let (schedule, own) = schedule(node, reader);
    let known: Vec<_> = COMMON.iter().chain(own).copied().collect();
    if !matches!(schedule, Schedule::Unknown(..)) {
        reader.unknown(node, &known);
    }
    let mut boundary = |name: &str| {
        let moment = child_text(node, name).map(|text| Moment::parse(&text));
        if let Some(Moment::Unreadable(text)) = &moment {
            reader.warn(format!("{name} {} cannot be read", quoted(text)));
        }
        moment
    };
    let (start, end) = (boundary("StartBoundary"), boundary("EndBoundary"));
    Trigger {
        id: node.attribute("id").map(str::to_owned),
        enabled: reader.value(node, "Enabled", boolean).unwrap_or(true),
        start,
        end,
        repetition: child(node, "Repetition").and_then(|node| repetition(node, reader)),
        time_limit: reader.value(node, "ExecutionTimeLimit", Span::parse),
        random_delay: reader.value(node, "RandomDelay", Span::parse).filter(|delay| !delay.is_zero()),
        delay: reader.value(node, "Delay", Span::parse).filter(|delay| !delay.is_zero()),
        schedule,
    }
}

/// What it waits for, and the children that only this kind has.
fn schedule(node: Node<'_, '_>, reader: &mut Reader<'_>) -> (Schedule, &'static [&'static str]) {
    let user = || child_text(node, "UserId");
    match node.tag_name().name() {
        "TimeTrigger" => (Schedule::Once, &[]),
        "CalendarTrigger" => calendar(node, reader),
        "BootTrigger" => (Schedule::Boot, &[]),
        "LogonTrigger" => (Schedule::Logon(user()), &["UserId"]),
        "IdleTrigger" => (Schedule::Idle, &[]),
        "RegistrationTrigger" => (Schedule::Registration, &[]),
        "EventTrigger" => (Schedule::Event(event(node, reader)), of_event()),
        "SessionStateChangeTrigger" => {
            let change = SessionChange::parse(&child_text(node, "StateChange").unwrap_or_default());
            if let SessionChange::Other(other) = &change {
                reader.warn(format!("StateChange {} is not known", quoted(other)));
            }
            (Schedule::Session(change, user()), &["StateChange", "UserId"])
        }
        "WnfStateChangeTrigger" => {
            let name = child_text(node, "StateName").unwrap_or_default();
            (Schedule::Signal(name, signal_data(node)), &["StateName", "Data", "DataOffset"])
        }
        other => {
            reader.warn(format!("unknown trigger {other}: when it starts the task is not known"));
            (Schedule::Unknown(other.to_owned(), text(node)), &[])
        }
    }
}

/// `01` or, with an offset, `01 at 4`.
fn signal_data(node: Node<'_, '_>) -> Option<String> {
    let data = child_text(node, "Data");
    match (data, child_text(node, "DataOffset")) {
        (Some(data), Some(offset)) => Some(format!("{data} at {offset}")),
        (data, offset) => data.or(offset.map(|offset| format!("at {offset}"))),
    }
}

/// "Indefinitely" is written as no duration, as an empty one, or as one of no length.
fn repetition(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Option<Repetition> {
    reader.unknown(node, &["Interval", "Duration", "StopAtDurationEnd"]);
    let interval = reader.value(node, "Interval", Span::parse).filter(|interval| !interval.is_zero())?;
    let duration = reader.value(node, "Duration", Span::parse).filter(|duration| !duration.is_zero());
    let stop_at_end = reader.value(node, "StopAtDurationEnd", boolean).unwrap_or(false);
    Some(Repetition { interval, duration, stop_at_end })
}
