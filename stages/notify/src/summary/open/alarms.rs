//! Conditions that lasted at a position.

use jiff::Timestamp;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::alarm::Alarm;
use strongroom_model::event::AlarmRaised;
use strongroom_model::fold::fold;
use strongroom_model::{AlarmKind, Position, StreamName, SubjectKind};

use super::PAGE;

/// How many alarms are looked through, the newest first. There is one for each drive and
/// kind of trouble, and one for each file that differs from its record: the files are in the
/// list of what needs a person as well.
const MAX_LOOKED_THROUGH: usize = 1000;

/// A condition that lasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingAlarm {
    /// Since when.
    pub since: Timestamp,
    /// What is the matter.
    pub raised: AlarmRaised,
}

/// Conditions that lasted, the worst first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StandingAlarms {
    /// They; but a file that differs from its record is among what needs a person instead.
    pub list: Vec<StandingAlarm>,
    /// Whether there may be others, beyond what was looked through.
    pub maybe_more: bool,
}

/// The conditions that lasted at `to`.
pub(super) async fn at(log: &EventLog, to: Position) -> Result<StandingAlarms, LogError> {
    let heads = log.newest(SubjectKind::Alarm, MAX_LOOKED_THROUGH).await?;
    let maybe_more = heads.len() == MAX_LOOKED_THROUGH;
    let names: Vec<StreamName> =
        heads.into_iter().filter(|head| head.first_position < to).map(|head| head.stream).collect();
    let mut list = Vec::new();
    for page in names.chunks(PAGE) {
        for history in log.readable_streams(page).await?.into_values() {
            // An alarm whose stream does not fold is for `log verify` to report.
            let before = history.iter().filter(|event| event.position < to);
            if let Ok(Alarm { raised: Some((raised, since)), .. }) = fold(before)
                && raised.kind != AlarmKind::RecordWrong
            {
                list.push(StandingAlarm { since, raised });
            }
        }
    }
    list.sort_by(|a, b| {
        let order = |alarm: &StandingAlarm| (alarm.raised.kind, alarm.since);
        order(a).cmp(&order(b)).then_with(|| a.raised.subject.cmp(&b.raised.subject))
    });
    Ok(StandingAlarms { list, maybe_more })
}
