use std::fs::File;
use std::path::Path;

use strongroom_files::disk_of;
use strongroom_model::event::DiskOf;

/// Which of the folders is on the same disk as `root`, if that can be found out. A folder that does not exist counts as
/// its nearest parent. Blocks.
pub fn shared_with(root: &Path, others: &[(DiskOf, impl AsRef<Path>)]) -> Option<DiskOf> {
    let disk = |path: &Path| {
        let there = path.ancestors().find(|path| path.exists())?;
        disk_of(File::open(there).ok()?).ok()
    };
    let own = disk(root)?;
    others.iter().find(|(_, path)| disk(path.as_ref()) == Some(own)).map(|(whose, _)| *whose)
}
