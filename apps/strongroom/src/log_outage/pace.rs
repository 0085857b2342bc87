//! When an outage is mailed.
//!
//! One that lasts for `watch.log_away_after` is mailed, even soon after another: whoever read that the last one is
//! over believes that all is well. Only a database that goes up and down all day waits.

use jiff::{SignedDuration, Timestamp};

use super::outage_file::OutageFile;

/// How many mails a day are not delayed, as of any other alarm.
const FREE_MAILS: usize = 5;
const WITHIN: SignedDuration = SignedDuration::from_hours(24);
const BETWEEN: SignedDuration = SignedDuration::from_hours(1);

pub(super) fn is_long(since: Timestamp, now: Timestamp, after: SignedDuration) -> bool {
    now.duration_since(since) >= after
}

pub(super) fn may_mail_now(file: &OutageFile, now: Timestamp) -> bool {
    let age = |at: &Timestamp| now.duration_since(*at).abs();
    let within = file.mailed.iter().filter(|at| age(at) < WITHIN).count();
    within < FREE_MAILS || file.mailed.iter().all(|at| age(at) >= BETWEEN)
}

pub(super) fn sent(file: &mut OutageFile, now: Timestamp) {
    file.mailed.retain(|at| now.duration_since(*at).abs() < WITHIN);
    file.mailed.push(now);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    /// The minutes of a day at which mails go out, where there is a new outage to be mailed every so many minutes.
    fn a_day(kept: &mut OutageFile, every: usize) -> Vec<i64> {
        let mut minutes = Vec::new();
        for minute in (0..24 * 60).step_by(every) {
            if may_mail_now(kept, at(minute)) {
                sent(kept, at(minute));
                minutes.push(minute);
            }
        }
        minutes
    }

    #[test]
    fn r8_a_second_outage_within_the_hour_is_mailed_as_soon_as_the_first() {
        assert_eq!(a_day(&mut OutageFile::default(), 30)[..5], [0, 30, 60, 90, 120]);
    }

    #[test]
    fn a_database_that_comes_and_goes_all_day_is_mailed_once_an_hour_after_five() {
        let minutes = a_day(&mut OutageFile::default(), 6);
        assert_eq!(minutes[..8], [0, 6, 12, 18, 24, 84, 144, 204]);
        assert!(minutes.len() < 30, "{minutes:?}");
    }

    #[test]
    fn a_clock_that_was_set_back_holds_no_mail_up_for_ever() {
        let mut kept = OutageFile::default();
        (0..6).for_each(|hour| sent(&mut kept, at(hour * 60 + 365 * 24 * 60)));
        assert!(may_mail_now(&kept, at(0)));
        let mut kept = OutageFile::default();
        (0..6).for_each(|minute| sent(&mut kept, at(minute + 30)));
        assert!(!may_mail_now(&kept, at(0)) && may_mail_now(&kept, at(95)));
    }

    #[test]
    fn an_outage_is_long_after_the_time_that_is_set() {
        let after = SignedDuration::from_mins(5);
        assert!(!is_long(at(0), at(4), after) && is_long(at(0), at(5), after));
    }
}
