//! Processors' time, which other programs on the machine do not change much.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// The unit of times in `/proc/<pid>/stat`, the same on every Linux that we build for.
const TICK: Duration = Duration::from_millis(10);
/// Their places there, counted from behind the program's name: the parent, then the
/// process's own two times and those of its children that have ended.
const PARENT: usize = 1;
const OWN: usize = 11;
const ENDED: usize = 13;

/// What is after the program's name, which may hold anything.
fn numbers(process: &str) -> Option<Vec<u64>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    Some(rest.split(' ').map(|word| word.parse().unwrap_or(0)).collect())
}

fn time(numbers: &[u64], at: usize) -> Duration {
    TICK * u32::try_from(numbers[at] + numbers[at + 1]).unwrap()
}

/// What this process has used.
pub(crate) fn ours() -> Duration {
    time(&numbers("self").unwrap(), OWN)
}

/// What the Postgres server in that folder has used, all of its processes together.
pub(crate) fn of_postgres(folder: &Path) -> Duration {
    let pid = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    let pid = pid.lines().next().unwrap();
    let parent: u64 = pid.parse().unwrap();
    let first = numbers(pid).unwrap();
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| numbers(entry.ok()?.file_name().to_str()?));
    let alive: Duration =
        processes.filter(|process| process[PARENT] == parent).map(|process| time(&process, OWN)).sum();
    time(&first, OWN) + time(&first, ENDED) + alive
}
