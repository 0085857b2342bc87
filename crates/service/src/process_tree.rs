//! Child processes with all that descend from them: started in a group of their own, found again, and ended.
//!
//! How far it reaches, on Linux:
//! - the group: every process that did not leave it by setsid(2) or setpgid(2);
//! - the mark, a variable in the environment that descendants inherit: every process of this user and PID namespace
//!   that left the group but kept its environment;
//! - the death signal ([`dying_with_us`]): the direct child, if this process is killed;
//! - [`end_orphans`] at the next start: descendants with the mark of a host that is gone.
//!
//! What leaves the group and clears its environment, or becomes another user, is not found; a systemd unit's control
//! group holds it. On other systems only the group is reached.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;
mod spawner;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use other as system;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::process::Command;

pub use self::spawner::spawn;

/// The variable that marks descendants.
pub const MARK: &str = "STRONGROOM_PLUGIN_RUN";

/// What a marked environment holds: who started it, and which start it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(String);

impl Mark {
    /// A mark that no other start has, on this host since it booted.
    #[must_use]
    pub fn new() -> Self {
        static STARTS: AtomicU64 = AtomicU64::new(0);
        let start = STARTS.fetch_add(1, Ordering::Relaxed);
        let pid = std::process::id();
        Self(format!("{pid}:{}:{start}", system::start_of(pid).unwrap_or_default()))
    }

    /// The variable's value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.0
    }
}

impl Default for Mark {
    fn default() -> Self {
        Self::new()
    }
}

/// A child that leads a process group, and its descendants.
#[derive(Debug)]
pub struct Tree {
    leader: u32,
    mark: Mark,
}

impl Tree {
    /// Of a child that [`prepare`] was called for, by its process id.
    #[must_use]
    pub const fn new(leader: u32, mark: Mark) -> Self {
        Self { leader, mark }
    }

    /// Asks the group to end. To be called only while the leader is not waited for: then its id is another's.
    pub fn terminate_group(&self) {
        system::signal_group(self.leader, system::Ask::Terminate);
    }

    /// Ends the group by force, under the same condition.
    pub fn kill_group(&self) {
        system::signal_group(self.leader, system::Ask::Kill);
    }

    /// Ends by force what bears the mark, the leader included; how many there were.
    #[must_use]
    pub fn kill_marked(&self) -> usize {
        system::kill_marked(&|mark| mark == self.mark.value())
    }

    /// How many processes bear the mark now, the leader included.
    #[must_use]
    pub fn marked(&self) -> usize {
        system::marked(&|mark| mark == self.mark.value())
    }
}

/// Sets a command's mark, and a process group of its own.
pub fn prepare(command: &mut Command, mark: &Mark) {
    command.env(MARK, mark.value());
    #[cfg(unix)]
    command.process_group(0);
}

/// Has a tool that a plugin starts lead a process group of its own, with the mark that the plugin inherited.
#[cfg_attr(not(unix), expect(clippy::needless_pass_by_ref_mut, reason = "only Unix has groups"))]
pub fn lead_group(command: &mut std::process::Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}

/// Ends by force what earlier hosts left that are gone; how many there were. Only this user's, and only in this PID
/// namespace.
#[must_use]
pub fn end_orphans() -> usize {
    system::kill_marked(&|mark| {
        let mut parts = mark.split(':');
        let (Some(pid), Some(start)) = (parts.next().and_then(|pid| pid.parse().ok()), parts.next()) else {
            return false;
        };
        system::start_of(pid).is_none_or(|now| now != start)
    })
}

/// The words to put before a command, so that the system kills it when this process dies: `setpriv --pdeathsig KILL
/// --`. Empty where that is not to be had; a small setpriv, such as busybox's, does not know the option, so it is tried
/// once, which blocks. The child must be started by [`spawn`].
#[must_use]
pub fn dying_with_us(path: &OsStr) -> Vec<OsString> {
    static TRIED: Mutex<BTreeMap<PathBuf, bool>> = Mutex::new(BTreeMap::new());
    let found = if cfg!(target_os = "linux") { find(OsStr::new("setpriv"), path) } else { None };
    let Some(setpriv) = found else { return Vec::new() };
    let words = |setpriv: &Path| {
        [setpriv.as_os_str(), "--pdeathsig".as_ref(), "KILL".as_ref(), "--".as_ref()].map(OsStr::to_owned).to_vec()
    };
    let mut tried = TRIED.lock().unwrap_or_else(PoisonError::into_inner);
    let works = *tried.entry(setpriv.clone()).or_insert_with(|| {
        let mut command = std::process::Command::new(&setpriv);
        command.args(&words(&setpriv)[1..]).arg(&setpriv).arg("--version");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    });
    if works { words(&setpriv) } else { Vec::new() }
}

/// The executable that a name means: itself if it is a path, else the first in `path` (as in `PATH`).
#[must_use]
pub fn find(name: &OsStr, path: &OsStr) -> Option<PathBuf> {
    if Path::new(name).components().count() > 1 {
        return Path::new(name).exists().then(|| PathBuf::from(name));
    }
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| is_executable(file))
}

/// Whether it is a file that somebody may execute.
#[must_use]
pub fn is_executable(file: &Path) -> bool {
    let Ok(found) = std::fs::metadata(file) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        found.is_file() && found.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    {
        found.is_file()
    }
}

/// The signal that ended a process, if one did.
#[must_use]
pub fn signal_of(status: ExitStatus) -> Option<i32> {
    #[cfg(unix)]
    {
        std::os::unix::process::ExitStatusExt::signal(&status)
    }
    #[cfg(not(unix))]
    {
        let _ = status;
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
