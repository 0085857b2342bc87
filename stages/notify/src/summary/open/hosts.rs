use std::collections::BTreeMap;

use strongroom_audit::{HostEntry, JobEntry, jobs_by_host};
use strongroom_model::AlarmKind;

use super::LastingAlarms;

/// The hosts of jobs at a position, the silent ones first: an alarm says which.
pub(crate) fn of(alarms: &LastingAlarms, jobs: &[JobEntry]) -> Vec<HostEntry> {
    let silent: BTreeMap<&str, &str> = alarms
        .list
        .iter()
        .filter(|alarm| alarm.raised.kind == AlarmKind::HostSilent)
        .map(|alarm| (alarm.raised.subject.as_str(), alarm.raised.message.as_str()))
        .collect();
    let entry = |(name, jobs): (strongroom_model::HostName, u64)| {
        let silence = silent.get(name.as_str()).map(|message| (*message).to_owned());
        HostEntry::new(name, jobs, silence)
    };
    let mut entries: Vec<HostEntry> = jobs_by_host(jobs).into_iter().map(entry).collect();
    entries.sort_by(|one, other| one.state.cmp(&other.state).then_with(|| one.name.cmp(&other.name)));
    entries
}
