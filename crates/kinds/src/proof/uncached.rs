//! Whole trees out of the page cache, for a tool that reads them itself.

use std::fs::File;
use std::io;
use std::path::Path;

use strongroom_files::cache::{drop_cached, is_inline, resident_pages};
use strongroom_files::{Backing, Beneath, Stat};

use crate::progress::Progress;
use crate::proof::compare::READ_ONLY;
use crate::proof::read_back::Method;
use crate::proof::walk::{Entry, Walk};

/// Has the kernel drop every page of the files below, and says how they are read from now on: past the cache only if
/// none of their pages is left there. Read next by the tool, they come from the device.
///
/// # Errors
/// If the tree cannot be read.
pub(crate) fn drop_tree(root: &Path, progress: &Progress<'_>, go_on: &dyn Fn() -> bool) -> io::Result<Method> {
    let files = Beneath::open(root, READ_ONLY)?;
    // Dirty pages are not dropped.
    files.sync_all()?;
    let mut is_cached = Backing::of(File::open(root)?)? != Backing::Device;
    for entry in Walk::new(root)? {
        if !go_on() {
            return Ok(Method::Cached);
        }
        progress.alive();
        let Entry::File(path) = entry else { return Ok(Method::Cached) };
        let file = match files.file(&path) {
            Ok(file) => file,
            // A lock that was removed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        drop_cached(&file)?;
        let size = Stat::of(&file)?.size;
        is_cached |= is_inline(&file) || resident_pages(&file, size).map_or(true, |pages| pages > 0);
    }
    Ok(if is_cached { Method::Cached } else { Method::Uncached })
}

#[cfg(test)]
mod tests {
    use strongroom_plugin::{Cancelled, Speaker};

    use super::*;

    #[test]
    fn what_was_just_written_is_cached_no_more() {
        let folder = tempfile::tempdir_in(std::env::current_exe().unwrap().parent().unwrap()).unwrap();
        let path = folder.path().join("a/b");
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(&path, vec![7; 300_000]).unwrap();
        let resident = || resident_pages(File::open(&path).unwrap(), 300_000).unwrap();
        assert!(resident() > 0);
        let speaker = Speaker::new(io::sink(), Cancelled::new());
        let progress = Progress::new(&speaker, "dropping");
        let method = drop_tree(folder.path(), &progress, &|| true).unwrap();
        // Where the file system's pages cannot be dropped, as in memory, that is said.
        let is_device = Backing::of(File::open(folder.path()).unwrap()).unwrap() == Backing::Device;
        assert_eq!(method == Method::Uncached, is_device && resident() == 0);
        assert_eq!(drop_tree(folder.path(), &progress, &|| false).unwrap(), Method::Cached);
        assert!(drop_tree(&folder.path().join("nowhere"), &progress, &|| true).is_err());
    }
}
