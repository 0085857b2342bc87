//! The tasks of this Windows host: the collector's script, run by PowerShell.

use std::fs;
use std::io;
use std::path::Path;

use strongroom_plugin::Speaker;
use strongroom_tasks::restore::COLLECT_SCRIPT;

use super::gathered::Gathered;
use crate::around::Around;
use crate::progress::Progress;
use crate::tool::{Call, run};

/// The collector's exit code for a collection that may lack tasks: its manifest says why.
const PARTIAL: i64 = 3;

/// Collects by the script, in the operation's working folder.
///
/// # Errors
/// If PowerShell is not found or the script wrote nothing usable.
pub(super) fn collect(
    powershell: &str,
    workdir: &Path,
    scripts: bool,
    around: &Around,
    speaker: &Speaker,
) -> io::Result<Gathered> {
    let program = around
        .find(powershell)
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{powershell} is not installed")))?;
    let (script, folder) = (workdir.join("collect.ps1"), workdir.join("collection"));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::write(&script, COLLECT_SCRIPT)?;
    let mut call = Call::new(program)
        .args(["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File"])
        .args([script.into_os_string(), "-Out".into(), folder.clone().into_os_string()])
        .silently();
    if !scripts {
        call = call.args(["-NoScripts"]);
    }
    let ended = run(&call, speaker, &Progress::new(speaker, "collecting"), &|_, _| ())?;
    let collected = Gathered::of_folder(&folder);
    // What it copied may hold passwords: the target has it, or nobody.
    let _ = fs::remove_dir_all(&folder);
    match ended.code {
        0 | PARTIAL => collected,
        code => Err(io::Error::other(format!("the collector ended with {code}; the run's log has what it said"))),
    }
}
