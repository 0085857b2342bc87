//! This process's limits.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that the program itself opens: logs, sockets, folders.
const OWN_FILES: u64 = 40;

/// Raises the limit to this user's maximum. The usual limit, 1024, is for programs that use select(2).
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// How many files may be open besides the program's own; at least one.
pub fn open_files() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit.saturating_sub(OWN_FILES)).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_hard_one_afterwards() {
        raise_open_files();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
        assert!(open_files() > 1);
    }
}
