//! Where a folder is, as rsync and rclone write it.

use std::path::Path;

use strongroom_plugin::protocol::{Problem, Report};

use crate::preflight;
use crate::proof::has_a_file;

/// Where a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    Local(&'a Path),
    /// Behind ssh, a daemon's, or one of rclone's remotes.
    Remote,
}

impl<'a> Place<'a> {
    /// As both tools tell them apart: a colon before the first slash.
    pub(crate) fn of(text: &'a str) -> Self {
        let host = text.split('/').next().unwrap_or_default();
        if host.contains(':') { Self::Remote } else { Self::Local(Path::new(text)) }
    }

    pub(crate) const fn local(self) -> Option<&'a Path> {
        match self {
            Self::Local(path) => Some(path),
            Self::Remote => None,
        }
    }
}

/// Whether a transfer may begin, as far as that can be seen from here.
///
/// # Errors
/// The report of why not.
pub(crate) fn ready(source: Place<'_>, target: Place<'_>) -> Result<(), Box<Report>> {
    match (source, target) {
        (Place::Local(source), Place::Local(target)) => preflight::ready(source, target),
        (Place::Local(source), Place::Remote) => {
            preflight::source_ready(source)?;
            if has_a_file(source).unwrap_or(false) { Ok(()) } else { Err(Box::new(preflight::source_empty())) }
        }
        (Place::Remote, _) => Ok(()),
    }
}

/// What is wrong with the two, if both are local.
pub(crate) fn problems(source: Place<'_>, target: Place<'_>) -> Vec<Problem> {
    match (source, target) {
        (Place::Local(source), Place::Local(target)) => preflight::pair(source, target),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_before_the_first_slash_means_another_host() {
        for remote in ["nas:/volume1/x", "rsync://nas/x", "nas::module", "nas:backup/x", ":sftp,host=nas:x"] {
            assert_eq!(Place::of(remote), Place::Remote, "{remote}");
        }
        assert_eq!(Place::of("/srv/a:b"), Place::Local(Path::new("/srv/a:b")));
    }
}
