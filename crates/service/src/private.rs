//! Files that only their owner can read.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;

/// Neither owner nor group.
#[cfg(unix)]
const OTHERS: rustix::fs::Mode = rustix::fs::Mode::RWXO;

/// Makes folders for their owner only; existing ones are unchanged.
pub fn private_folders() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Opens files; new ones are for their owner only.
pub fn private_files() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes these refuse symbolic links.
pub fn without_links(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// Sets the umask: others cannot read what this process makes.
pub fn make_nothing_for_others() {
    #[cfg(unix)]
    {
        let before = rustix::process::umask(OTHERS);
        rustix::process::umask(before | OTHERS);
    }
}

/// Removes others' permissions on a plain file.
pub fn close_to_others(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let found = std::fs::symlink_metadata(path)?;
        let mode = found.permissions().mode();
        if found.is_file() && mode & OTHERS.bits() != 0 {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o7777 & !OTHERS.bits()))?;
        }
    }
    let _ = path;
    Ok(())
}

/// Takes every permission from a plain file, also its owner's; `false` where there are none.
pub fn make_unreadable(path: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o000))?;
    let _ = path;
    Ok(cfg!(unix))
}

/// Whether others may use a file; `false` if it is missing.
pub fn is_open_to_others(path: &Path) -> io::Result<bool> {
    match std::fs::metadata(path) {
        #[cfg(unix)]
        Ok(found) => Ok(std::os::unix::fs::MetadataExt::mode(&found) & 0o077 != 0),
        #[cfg(not(unix))]
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether others than its owner may use an open file, or it belongs to somebody else than this process and root.
///
/// # Errors
/// It cannot be asked.
pub fn is_exposed(file: &std::fs::File) -> io::Result<bool> {
    let found = file.metadata()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let is_ours = found.uid() == 0 || found.uid() == rustix::process::geteuid().as_raw();
        Ok(found.mode() & 0o077 != 0 || !is_ours)
    }
    #[cfg(not(unix))]
    {
        let _ = found;
        Ok(false)
    }
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

    #[test]
    fn what_others_may_do_is_taken_from_them_and_the_group_keeps_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        assert!(!is_open_to_others(&path).unwrap() && close_to_others(&path).is_err());
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        close_to_others(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        assert!(is_open_to_others(&path).unwrap());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(!is_open_to_others(&path).unwrap());
        std::os::unix::fs::symlink(&path, folder.path().join("link")).unwrap();
        let mut options = private_files();
        assert!(without_links(options.read(true)).open(folder.path().join("link")).is_err());
        without_links(options.read(true)).open(&path).unwrap();
    }
}
