//! The tools' own logs, which are kept for a while.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// Deletes the logs of runs that ended longer than `keep` ago. What the event log says of them stays.
///
/// # Errors
/// The folder cannot be read, or a file cannot be deleted. A folder that is missing has none.
pub(crate) fn prune(folder: &Path, keep: Duration, now: Timestamp) -> io::Result<()> {
    let oldest = SystemTime::from(now).checked_sub(keep).unwrap_or(SystemTime::UNIX_EPOCH);
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let is_log = entry.path().extension().is_some_and(|extension| extension == "log");
        if is_log && entry.metadata()?.modified()? < oldest {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_logs_go() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.run.log", "run.lock"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let day = Duration::from_secs(86_400);
        let written = std::fs::metadata(folder.path().join("run.lock")).unwrap().modified().unwrap();
        let now = Timestamp::try_from(written).unwrap();
        prune(folder.path(), day, now).unwrap();
        assert!(folder.path().join("a.run.log").exists());
        prune(folder.path(), day, now + jiff::SignedDuration::from_hours(25)).unwrap();
        assert!(!folder.path().join("a.run.log").exists() && folder.path().join("run.lock").exists());
        prune(&folder.path().join("missing"), day, now).unwrap();
    }
}
