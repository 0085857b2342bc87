//! Limits mails per kind of alarm. One cause may raise thousands of alarms (a drive that lost its newest copies, a
//! server whose files an intruder encrypted): the first mails are sent at once, later ones wait ever longer and collect
//! what is raised meanwhile. Other kinds do not wait.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use strongroom_model::AlarmKind;
use tokio::time::Instant;

/// Mails per kind without a wait: a drive that is swapped twice begins and ends four times.
const FREE_MAILS: usize = 5;
/// How far back mails are counted.
const WITHIN: Duration = Duration::from_hours(24);
/// The first wait after a mail; each further one is twice as long.
const MIN_WAIT: Duration = Duration::from_mins(1);
/// About thirty mails of one kind per day.
const MAX_WAIT: Duration = Duration::from_hours(1);

/// When this process sent mails of each kind. After a restart the first mails contain what waited.
#[derive(Debug, Default)]
pub(crate) struct MailPace {
    sent: HashMap<AlarmKind, Vec<Instant>>,
}

impl MailPace {
    /// Whether a mail of that kind may be sent now.
    pub(crate) fn allows(&self, kind: AlarmKind, now: Instant) -> bool {
        let sent = self.sent.get(&kind).map_or(&[][..], Vec::as_slice);
        let count = sent.iter().filter(|at| now.duration_since(**at) < WITHIN).count();
        sent.last().is_none_or(|last| now.duration_since(*last) >= wait_after(count))
    }

    pub(crate) fn sent(&mut self, kinds: &BTreeSet<AlarmKind>, now: Instant) {
        for kind in kinds {
            let sent = self.sent.entry(*kind).or_default();
            sent.retain(|at| now.duration_since(*at) < WITHIN);
            sent.push(now);
        }
    }
}

fn wait_after(count: usize) -> Duration {
    let Some(doublings) = count.checked_sub(FREE_MAILS) else { return Duration::ZERO };
    let times = u32::try_from(doublings).ok().and_then(|doublings| 1_u32.checked_shl(doublings));
    times.and_then(|times| MIN_WAIT.checked_mul(times)).unwrap_or(MAX_WAIT).min(MAX_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When the mails of a day go out, if there is something to tell each minute.
    fn a_day(kind: AlarmKind, pace: &mut MailPace, begin: Instant) -> Vec<u64> {
        let mut minutes = Vec::new();
        for minute in 0..24 * 60 {
            let now = begin + Duration::from_secs(minute * 60);
            if pace.allows(kind, now) {
                pace.sent(&BTreeSet::from([kind]), now);
                minutes.push(minute);
            }
        }
        minutes
    }

    #[test]
    fn one_kind_is_mailed_at_once_at_first_and_some_thirty_times_a_day_at_most() {
        let (mut pace, begin) = (MailPace::default(), Instant::now());
        let minutes = a_day(AlarmKind::CopyLost, &mut pace, begin);
        assert_eq!(minutes[..8], [0, 1, 2, 3, 4, 5, 7, 11]);
        assert!((25..=35).contains(&minutes.len()), "{minutes:?}");
        assert!(pace.allows(AlarmKind::DriveMissing, begin), "other kinds wait for nothing");
        let next_day = a_day(AlarmKind::CopyLost, &mut pace, begin + WITHIN);
        assert!((20..=26).contains(&next_day.len()), "{next_day:?}");
    }

    #[test]
    fn after_a_quiet_day_mails_go_out_at_once_again() {
        let (mut pace, begin) = (MailPace::default(), Instant::now());
        a_day(AlarmKind::CopyLost, &mut pace, begin);
        let later = begin + WITHIN * 2;
        for _ in 0..FREE_MAILS {
            assert!(pace.allows(AlarmKind::CopyLost, later));
            pace.sent(&BTreeSet::from([AlarmKind::CopyLost]), later);
        }
        assert!(!pace.allows(AlarmKind::CopyLost, later));
    }
}
