//! The page cache: what it holds of a file, and reading past it.

mod inline;
mod residency;

use std::fs::File;
use std::io;

use rustix::fs::{Advice, OFlags};

pub use self::inline::is_inline;
pub use self::residency::resident_pages;

/// Asks the kernel to drop a file's clean pages. It may keep them: check [`resident_pages`].
pub fn drop_cached(file: &File) -> io::Result<()> {
    Ok(rustix::fs::fadvise(file, 0, None, Advice::DontNeed)?)
}

/// Sets or clears `O_DIRECT`. Some file systems accept it and read through the page cache all the same.
pub fn set_direct(file: &File, direct: bool) -> io::Result<()> {
    let mut flags = rustix::fs::fcntl_getfl(file)?;
    flags.set(OFlags::DIRECT, direct);
    Ok(rustix::fs::fcntl_setfl(file, flags)?)
}
