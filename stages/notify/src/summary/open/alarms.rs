use jiff::Timestamp;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::alarm::Alarm;
use strongroom_model::event::AlarmRaised;
use strongroom_model::fold::fold;
use strongroom_model::{AlarmKind, Position, StreamName, SubjectKind};

use super::PAGE;

/// Newest first: one per drive and condition, and one per file that contradicts its record, which is also among what
/// needs a person.
const MAX_LOOKED_THROUGH: usize = 1000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LastingAlarm {
    pub(crate) since: Timestamp,
    pub(crate) raised: AlarmRaised,
}

/// Lasting alarms, the worst first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LastingAlarms {
    /// Without files that contradict their record: those need a person.
    pub(crate) list: Vec<LastingAlarm>,
    /// Older ones were not examined.
    pub(crate) maybe_more: bool,
}

pub(super) async fn at(log: &EventLog, to: Position) -> Result<LastingAlarms, LogError> {
    let heads = log.newest(SubjectKind::Alarm, MAX_LOOKED_THROUGH).await?;
    let maybe_more = heads.len() == MAX_LOOKED_THROUGH;
    let names: Vec<StreamName> =
        heads.into_iter().filter(|head| head.first_position < to).map(|head| head.stream).collect();
    let mut list = Vec::new();
    for page in names.chunks(PAGE) {
        for history in log.readable_streams(page).await?.into_values() {
            // `log verify` reports streams that do not fold.
            let before = history.iter().filter(|event| event.position < to);
            if let Ok(Alarm { raised: Some((raised, since)), .. }) = fold(before)
                && raised.kind != AlarmKind::RecordWrong
            {
                list.push(LastingAlarm { since, raised });
            }
        }
    }
    list.sort_by(|a, b| {
        let order = |alarm: &LastingAlarm| (alarm.raised.kind, alarm.since);
        order(a).cmp(&order(b)).then_with(|| a.raised.subject.cmp(&b.raised.subject))
    });
    Ok(LastingAlarms { list, maybe_more })
}
