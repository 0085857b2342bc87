//! What a kind knows of its host.

use std::ffi::OsString;
use std::path::PathBuf;

use strongroom_service::Clock;
use strongroom_service::process_tree::find;

/// What a kind knows of its host: where programs are, and what time it is.
#[derive(Debug, Clone)]
pub struct Around {
    path: OsString,
    clock: Clock,
}

impl Around {
    /// With the variable `PATH`.
    #[must_use]
    pub fn new(path: impl Into<OsString>, clock: Clock) -> Self {
        Self { path: path.into(), clock }
    }

    /// The executable that a name means.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        find(name.as_ref(), &self.path)
    }

    /// Seconds since 1970.
    pub(crate) fn now_s(&self) -> i64 {
        self.clock.now().as_second()
    }
}
