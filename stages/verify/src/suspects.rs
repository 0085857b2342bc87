use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use strongroom_model::event::AlarmKey;
use strongroom_model::{AlarmKind, DriveId, StreamName};

/// How many files are remembered per drive. If more change, its alarm stays until a restart.
const MAX_FILES: usize = 4096;

/// Files that a drive changed: its alarm ends when all are proven. A restart forgets them, and the first proof on the
/// drive ends it.
#[derive(Debug, Default)]
pub(crate) struct Suspects(Mutex<BTreeMap<DriveId, Suspect>>);

#[derive(Debug, Default)]
struct Suspect {
    changed: BTreeSet<StreamName>,
    /// More changed than are remembered.
    overflowed: bool,
    /// The alarm was cleared, and nothing changed since.
    clear: bool,
}

impl Suspects {
    pub(crate) fn changed(&self, drive: DriveId, file: &StreamName) {
        let mut suspects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let suspect = suspects.entry(drive).or_default();
        suspect.clear = false;
        if suspect.changed.len() < MAX_FILES {
            suspect.changed.insert(file.clone());
        } else {
            suspect.overflowed = true;
        }
    }

    /// The alarm that this proof ends, if any.
    pub(crate) fn proven(&self, drive: DriveId, file: &StreamName) -> Option<AlarmKey> {
        let mut suspects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let suspect = suspects.entry(drive).or_default();
        suspect.changed.remove(file);
        if suspect.clear || suspect.overflowed || !suspect.changed.is_empty() {
            return None;
        }
        suspect.clear = true;
        Some(AlarmKey::new(AlarmKind::DriveFailing, drive))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> StreamName {
        StreamName::booking(&name.parse().unwrap())
    }

    #[test]
    fn the_alarm_ends_when_every_changed_file_is_proven() {
        let (suspects, drive) = (Suspects::default(), DriveId::random());
        suspects.changed(drive, &file("1"));
        suspects.changed(drive, &file("2"));
        assert_eq!(suspects.proven(drive, &file("3")), None);
        assert_eq!(suspects.proven(drive, &file("1")), None);
        assert_eq!(suspects.proven(drive, &file("2")), Some(AlarmKey::new(AlarmKind::DriveFailing, drive)));
        assert_eq!(suspects.proven(drive, &file("2")), None, "once");
        suspects.changed(drive, &file("2"));
        assert!(suspects.proven(drive, &file("2")).is_some(), "it began again, and ends again");
    }

    #[test]
    fn after_a_restart_the_first_proof_ends_it() {
        let (suspects, drive) = (Suspects::default(), DriveId::random());
        assert!(suspects.proven(drive, &file("1")).is_some());
        assert!(suspects.proven(drive, &file("2")).is_none(), "no proof after it costs a look at the alarm");
    }
}
