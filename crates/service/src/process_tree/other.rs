//! Where there is no `/proc`: the group alone.

#[derive(Clone, Copy)]
pub(super) enum Ask {
    Terminate,
    Kill,
}

pub(super) fn signal_group(leader: u32, ask: Ask) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        let signal = match ask {
            Ask::Terminate => Signal::TERM,
            Ask::Kill => Signal::KILL,
        };
        if let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
            // A group without members is no error: what was to end has ended.
            let _ = kill_process_group(group, signal);
        }
    }
    #[cfg(not(unix))]
    let _ = (leader, ask);
}

pub(super) fn start_of(_: u32) -> Option<String> {
    None
}

pub(super) fn kill_marked(_: &dyn Fn(&str) -> bool) -> usize {
    0
}

pub(super) fn marked(_: &dyn Fn(&str) -> bool) -> usize {
    0
}
