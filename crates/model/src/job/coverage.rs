//! How much of a copy was read, and since when all of it was.

use jiff::Timestamp;

use crate::event::JobRunVerified;

/// More parts than a year has days are taken for none: such a copy would never be read as a whole.
const MAX_PARTS: u64 = 366;

/// When each part of a copy was last read and found right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// One time for each part; empty where the copy is read as a whole.
    pub parts: Vec<Option<Timestamp>>,
    /// Since then every file was read at least once; `None`: not all of them were.
    pub whole_since: Option<Timestamp>,
}

impl Coverage {
    /// What a run's proof adds to the parts that earlier runs had read. Another number of parts begins anew, since the
    /// parts are others.
    #[must_use]
    pub fn after(parts: &[Option<Timestamp>], verified: &JobRunVerified) -> Self {
        if !verified.is_proof() {
            return Self { parts: parts.to_vec(), whole_since: None };
        }
        let (part, of) = (verified.evidence.part.unwrap_or(1), verified.evidence.of.unwrap_or(1));
        if of <= 1 {
            return Self { parts: Vec::new(), whole_since: Some(verified.began_at) };
        }
        let index = part.checked_sub(1).filter(|_| part <= of && of <= MAX_PARTS);
        let Some(index) = index.and_then(|index| usize::try_from(index).ok()) else {
            return Self { parts: parts.to_vec(), whole_since: None };
        };
        let of = usize::try_from(of).expect("at most a year's days");
        let mut parts = if parts.len() == of { parts.to_vec() } else { vec![None; of] };
        parts[index] = Some(verified.began_at);
        let whole_since = parts.iter().copied().collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().min());
        Self { parts, whole_since }
    }
}
