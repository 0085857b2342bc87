//! The page cache: what of a file is in it, and reading past it.

mod inline;
mod residency;

use std::fs::File;
use std::io;

use rustix::fs::{Advice, OFlags};

pub use self::inline::is_inline;
pub use self::residency::resident_pages;

/// Has the kernel forget the clean pages of a file. It may keep them: [`resident_pages`] tells.
///
/// # Errors
/// The call's.
pub fn drop_cached(file: &File) -> io::Result<()> {
    Ok(rustix::fs::fadvise(file, 0, None, Advice::DontNeed)?)
}

/// Has this open file read past the page cache (`O_DIRECT`), or no longer. Some file systems take that and read through the
/// page cache all the same.
///
/// # Errors
/// The call's.
pub fn set_direct(file: &File, direct: bool) -> io::Result<()> {
    let mut flags = rustix::fs::fcntl_getfl(file)?;
    flags.set(OFlags::DIRECT, direct);
    Ok(rustix::fs::fcntl_setfl(file, flags)?)
}
