//! What a process did, counted: the places that it passed, for tests of what work costs.
//!
//! With the feature `kill-points`, a process that has `STRONGROOM_PASSINGS=<file>` in its environment writes the name of
//! each kill point and of each place for a fault that it passes as a line at the end of that file. So a test counts
//! commits, syncs and manifests instead of taking the time.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::OnceLock;

static FILE: OnceLock<Option<File>> = OnceLock::new();

/// Notes that a place is passed.
pub(crate) fn note(name: &str) {
    let open =
        |path| OpenOptions::new().create(true).append(true).open(path).expect("the file of passings can be made");
    if let Some(mut file) = FILE.get_or_init(|| std::env::var_os("STRONGROOM_PASSINGS").map(open)).as_ref() {
        // One write each, so that lines of several threads do not mix.
        file.write_all(format!("{name}\n").as_bytes()).expect("the file of passings can be written");
    }
}
