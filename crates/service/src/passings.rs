//! With `kill-points`, kill and fault points append their names to the file `STRONGROOM_PASSINGS`: tests count
//! commits and syncs instead of taking the time.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::OnceLock;

static FILE: OnceLock<Option<File>> = OnceLock::new();

pub(crate) fn note(name: &str) {
    let open =
        |path| OpenOptions::new().create(true).append(true).open(path).expect("the file of passings can be made");
    if let Some(mut file) = FILE.get_or_init(|| std::env::var_os("STRONGROOM_PASSINGS").map(open)).as_ref() {
        // One write per line, so that threads' lines do not mix.
        file.write_all(format!("{name}\n").as_bytes()).expect("the file of passings can be written");
    }
}
