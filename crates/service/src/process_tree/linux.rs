//! Processes as `/proc` shows them (proc(5)).

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};

use super::MARK;

/// An environment that is longer is not searched beyond: the mark is set by us, and stands among few variables.
const MAX_ENVIRONMENT_BYTES: u64 = 256 * 1024;

#[derive(Clone, Copy)]
pub(super) enum Ask {
    Terminate,
    Kill,
}

pub(super) fn signal_group(leader: u32, ask: Ask) {
    let signal = match ask {
        Ask::Terminate => Signal::TERM,
        Ask::Kill => Signal::KILL,
    };
    if let Some(group) = pid_of(leader) {
        // A group without members is no error: what was to end has ended.
        let _ = kill_process_group(group, signal);
    }
}

fn pid_of(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// When a process started, in ticks since the boot: with its id, this names it for good. Field 22, counted behind the
/// name, which may hold blanks and parentheses.
pub(super) fn start_of(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(ToOwned::to_owned)
}

/// Kills what bears such a mark, until two looks in a row find nothing: a process may fork while we look, and one that
/// executes another program has no environment for a moment (execve(2) replaces it with the memory).
pub(super) fn kill_marked(is_ours: &dyn Fn(&str) -> bool) -> usize {
    /// A fork bomb is the control group's to end.
    const MAX_LOOKS: usize = 8;
    // By id: what was killed may still be there at the next look.
    let mut killed = BTreeSet::new();
    let mut empty_looks = 0;
    for _ in 0..MAX_LOOKS {
        let found = each_marked(is_ours, &mut |pid, folder| {
            // The descriptor names the process: if the id is another's by now, the mark is looked at once more.
            let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return };
            if mark_of(folder).is_some_and(|mark| is_ours(&mark)) && pidfd_send_signal(process, Signal::KILL).is_ok() {
                killed.insert(pid.as_raw_nonzero());
            }
        });
        empty_looks = if found == 0 { empty_looks + 1 } else { 0 };
        if empty_looks == 2 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    killed.len()
}

pub(super) fn marked(is_ours: &dyn Fn(&str) -> bool) -> usize {
    each_marked(is_ours, &mut |_, _| {})
}

fn each_marked(is_ours: &dyn Fn(&str) -> bool, each: &mut dyn FnMut(Pid, &Path)) -> usize {
    let Ok(processes) = fs::read_dir("/proc") else { return 0 };
    let ours = fs::read_link("/proc/self/ns/pid").ok();
    let mut found = 0;
    for process in processes.flatten() {
        let Some(pid) = number(&process.file_name()).and_then(pid_of) else { continue };
        let folder = process.path();
        let is_marked = mark_of(&folder).is_some_and(|mark| is_ours(&mark));
        if is_marked && fs::read_link(folder.join("ns/pid")).ok() == ours {
            found += 1;
            each(pid, &folder);
        }
    }
    found
}

fn number(name: &OsStr) -> Option<u32> {
    name.to_str()?.parse().ok()
}

/// The mark in a process's environment; `None` for other users' processes, and for zombies, which have none.
fn mark_of(folder: &Path) -> Option<String> {
    use std::io::Read as _;

    let mut environment = Vec::new();
    let file = fs::File::open(folder.join("environ")).ok()?;
    file.take(MAX_ENVIRONMENT_BYTES).read_to_end(&mut environment).ok()?;
    let variables = environment.split(|byte| *byte == 0).filter_map(|variable| std::str::from_utf8(variable).ok());
    variables
        .filter_map(|variable| variable.split_once('='))
        .find(|(name, _)| *name == MARK)
        .map(|(_, mark)| mark.to_owned())
}
