//! Whose disk a drive shares.

use std::fs::File;
use std::path::Path;

use strongroom_files::disk_of;
use strongroom_model::event::DiskOf;

/// Whose disk the folder at `root` is on, of those whose folders these are; `None` where it is on none of theirs, or where that
/// cannot be told. Of a folder that is not there yet, the one counts that it would be made in. Blocks.
#[must_use]
pub fn shared_with(root: &Path, others: &[(DiskOf, impl AsRef<Path>)]) -> Option<DiskOf> {
    let disk = |path: &Path| {
        let there = path.ancestors().find(|path| path.exists())?;
        disk_of(File::open(there).ok()?).ok()
    };
    let own = disk(root)?;
    others.iter().find(|(_, path)| disk(path.as_ref()) == Some(own)).map(|(whose, _)| *whose)
}
