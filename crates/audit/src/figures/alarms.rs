//! Which alarms are raised, without reading again those that have not changed.

use std::collections::{HashMap, HashSet};

use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::alarm::Alarm;
use strongroom_model::fold::fold;
use strongroom_model::{AlarmKind, Position, StreamName, SubjectKind};

/// How many alarms are looked at, the newest first.
const MAX_ALARMS: usize = 4096;
/// How many are read at a time: each may have been raised and cleared many times.
const READ_AT_ONCE: usize = 16;

/// The alarms as they were at the last look, each with the position of its last event.
#[derive(Debug, Default)]
pub(super) struct RaisedAlarms(HashMap<StreamName, (Position, Option<AlarmKind>)>);

impl RaisedAlarms {
    /// The kinds of those that are raised now. One that cannot be understood is left out.
    pub(super) async fn look(&mut self, log: &EventLog) -> Result<Vec<AlarmKind>, LogError> {
        let heads = log.newest(SubjectKind::Alarm, MAX_ALARMS).await?;
        let is_known =
            |stream: &StreamName, position: Position| self.0.get(stream).is_some_and(|(known, _)| *known == position);
        let changed = heads.iter().filter(|head| !is_known(&head.stream, head.position));
        let changed: Vec<_> = changed.map(|head| (head.stream.clone(), head.position)).collect();
        for some in changed.chunks(READ_AT_ONCE) {
            let names: Vec<_> = some.iter().map(|(stream, _)| stream.clone()).collect();
            let histories = log.readable_streams(&names).await?;
            for (stream, position) in some {
                // What came after this look's beginning is read already, and is read again the next time.
                let history = histories.get(stream).map_or(&[][..], Vec::as_slice);
                let raised = fold::<Alarm>(history).ok().and_then(|alarm| alarm.raised);
                self.0.insert(stream.clone(), (*position, raised.map(|(alarm, _)| alarm.kind)));
            }
        }
        // Some are beyond those that are looked at by now.
        if self.0.len() > heads.len() {
            let newest: HashSet<_> = heads.iter().map(|head| &head.stream).collect();
            self.0.retain(|stream, _| newest.contains(stream));
        }
        Ok(self.0.values().filter_map(|(_, kind)| *kind).collect())
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::Event;
    use strongroom_model::event::{AlarmCleared, AlarmKey, AlarmRaised};

    use super::*;
    use crate::samples;

    #[tokio::test]
    async fn an_alarm_is_read_again_only_when_it_has_changed() {
        let (_folder, log) = samples::log_of(Vec::new()).await;
        let full = AlarmRaised {
            kind: AlarmKind::DriveFull,
            subject: "/mnt/backup".to_owned(),
            message: "the drive is full".to_owned(),
            next_step: "make room on it".to_owned(),
        };
        let stream = StreamName::alarm(&AlarmKey::new(full.kind, &full.subject));
        let mut raised = RaisedAlarms::default();
        assert!(raised.look(&log).await.unwrap().is_empty());
        samples::append(&log, samples::recorded(stream.clone(), 0, Event::AlarmRaised(full))).await;
        assert_eq!(raised.look(&log).await.unwrap(), [AlarmKind::DriveFull]);
        raised.0.get_mut(&stream).unwrap().1 = Some(AlarmKind::DriveMissing);
        assert_eq!(raised.look(&log).await.unwrap(), [AlarmKind::DriveMissing], "it has not changed, and is not read");
        let cleared = AlarmCleared { message: "there is room".to_owned() };
        samples::append(&log, samples::recorded(stream, 1, Event::AlarmCleared(cleared))).await;
        assert!(raised.look(&log).await.unwrap().is_empty());
    }
}
