//! A rotating share: each file belongs to one of `of` parts by the hash of its path, and each proof reads one part.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use strongroom_model::text::grouped;

/// The most parts: a year of nightly proofs.
const MAX_PARTS: u16 = 366;
const DAY_S: i64 = 24 * 60 * 60;

/// One part of `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Which part, from 0.
    pub part: u16,
    /// How many parts there are, at least 1.
    pub of: u16,
}

impl Share {
    /// Everything.
    pub const ALL: Self = Self { part: 0, of: 1 };

    /// Whether a path, by its bytes, belongs to it.
    #[must_use]
    pub fn has(self, path: &[u8]) -> bool {
        if self.of <= 1 {
            return true;
        }
        let digest = Sha256::digest(path);
        let number = u64::from_be_bytes(digest[..8].try_into().expect("a SHA-256 has 32 bytes"));
        number % u64::from(self.of) == u64::from(self.part)
    }
}

/// When each part was read last, in seconds since 1970: what a job keeps between its proofs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Coverage {
    read_at_s: Vec<Option<i64>>,
    /// How many files of each part were left unproven by then, since they had changed.
    changed: Vec<u64>,
}

impl Coverage {
    /// The part whose turn it is: one that was never read, else the one that was read longest ago. With another number
    /// of parts than before, all begin anew.
    #[must_use]
    pub fn next(&self, parts: u16) -> Share {
        let of = parts.clamp(1, MAX_PARTS);
        let at = |part: u16| self.read_at_s.get(usize::from(part)).copied().flatten();
        let begins_anew = self.read_at_s.len() != usize::from(of);
        let part = if begins_anew { 0 } else { (0..of).min_by_key(|&part| at(part)).unwrap_or(0) };
        Share { part, of }
    }

    /// Records that a part was read, except for `changed` files, which had changed since the run.
    pub fn read(&mut self, share: Share, now_s: i64, changed: u64) {
        let of = usize::from(share.of);
        if self.read_at_s.len() != of {
            (self.read_at_s, self.changed) = (vec![None; of], Vec::new());
        }
        // A state of an earlier version has no such counts.
        self.changed.resize(of, 0);
        if let Some(at) = self.read_at_s.get_mut(usize::from(share.part)) {
            *at = Some(now_s);
            self.changed[usize::from(share.part)] = changed;
        }
    }

    /// What that adds up to: `every file was read within 30 days`. What was not proven is not claimed.
    #[must_use]
    pub fn words(&self, now_s: i64) -> String {
        let parts = self.read_at_s.len();
        let read: Vec<_> = self.read_at_s.iter().flatten().copied().collect();
        let but = match self.changed.iter().sum::<u64>() {
            0 => String::new(),
            n => format!(" but {} that had changed", grouped(n)),
        };
        if parts <= 1 {
            return format!("every file{but} was read");
        }
        if read.len() < parts {
            return format!("{} of {parts} parts were read so far", read.len());
        }
        let oldest = read.iter().min().copied().unwrap_or(now_s);
        let days = days(now_s.saturating_sub(oldest).max(0));
        format!("every file{but} was read within {days} {}", if days == 1 { "day" } else { "days" })
    }
}

/// Begun days, at least one.
fn days(seconds: i64) -> i64 {
    (seconds / DAY_S + i64::from(seconds % DAY_S > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_belongs_to_exactly_one_part() {
        for number in 0..500_u32 {
            let path = number.to_be_bytes();
            assert_eq!((0..7).filter(|&part| Share { part, of: 7 }.has(&path)).count(), 1);
        }
        assert!(Share::ALL.has(b"anything"));
    }

    #[test]
    fn parts_take_turns_and_the_coverage_is_said_in_days() {
        let mut coverage = Coverage::default();
        for (night, words) in [(0, "1 of 3 parts"), (1, "2 of 3 parts"), (2, "within 2 days"), (3, "within 2 days")] {
            let share = coverage.next(3);
            assert_eq!(i64::from(share.part), night % 3);
            coverage.read(share, night * DAY_S, 0);
            assert!(coverage.words(night * DAY_S).contains(words), "{}", coverage.words(night * DAY_S));
        }
    }

    #[test]
    fn another_number_of_parts_begins_anew() {
        let mut coverage = Coverage::default();
        coverage.read(Share { part: 1, of: 3 }, 5, 0);
        assert_eq!(coverage.next(4), Share { part: 0, of: 4 });
        coverage.read(Share { part: 0, of: 1 }, 5, 0);
        assert_eq!(coverage.words(5), "every file was read");
    }

    #[test]
    fn files_that_had_changed_are_not_among_those_that_were_read() {
        let mut coverage: Coverage = serde_json::from_str(r#"{"read_at_s":[5,null]}"#).unwrap();
        coverage.read(Share { part: 1, of: 2 }, 5, 3);
        assert_eq!(coverage.words(5), "every file but 3 that had changed was read within 1 day");
        coverage.read(Share { part: 1, of: 2 }, 6, 0);
        assert_eq!(coverage.words(6), "every file was read within 1 day");
        coverage.read(Share::ALL, 7, 1);
        assert_eq!(coverage.words(7), "every file but 1 that had changed was read");
    }
}
