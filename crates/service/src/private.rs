//! Files and folders that only their owner can read.

use std::fs::{DirBuilder, OpenOptions};

/// Makes folders, and those on the way to them, for their owner alone. Those that are there stay as they are.
#[must_use]
pub fn private_folders() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Opens files that, where they are made by this, are for their owner alone.
#[must_use]
pub fn private_files() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_made_is_for_its_owner_alone_and_what_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let deep = folder.path().join("a/b");
        private_folders().create(&deep).unwrap();
        private_files().write(true).create(true).truncate(true).open(deep.join("f")).unwrap();
        assert_eq!([mode(&folder.path().join("a")), mode(&deep), mode(&deep.join("f"))], [0o700, 0o700, 0o600]);
        std::fs::set_permissions(&deep, std::fs::Permissions::from_mode(0o750)).unwrap();
        private_folders().create(&deep).unwrap();
        assert_eq!(mode(&deep), 0o750);
    }
}
