//! The page cache.

mod inline;
mod residency;

use std::fs::File;
use std::io;

use rustix::fs::{Advice, OFlags};

pub use self::inline::is_inline;
pub use self::residency::resident_pages;

/// Asks the kernel to drop clean pages. It may keep them: check [`resident_pages`].
pub fn drop_cached(file: &File) -> io::Result<()> {
    Ok(rustix::fs::fadvise(file, 0, None, Advice::DontNeed)?)
}

/// Sets or clears `O_DIRECT`, which some file systems accept and ignore.
pub fn set_direct(file: &File, direct: bool) -> io::Result<()> {
    let mut flags = rustix::fs::fcntl_getfl(file)?;
    flags.set(OFlags::DIRECT, direct);
    Ok(rustix::fs::fcntl_setfl(file, flags)?)
}
