//! Commands that work as they are printed, from the place where the demo was typed.

use std::env;
use std::path::{Path, PathBuf};

pub(crate) fn program() -> String {
    let this = env::current_exe().unwrap_or_else(|_| PathBuf::from("strongroom"));
    let here = env::current_dir().unwrap_or_default();
    let folders = env::var_os("PATH").unwrap_or_default();
    called(&this, &here, env::split_paths(&folders))
}

/// By its name where the shell would find this very file; else by its path, relative where
/// it lies below.
fn called(this: &Path, here: &Path, mut folders: impl Iterator<Item = PathBuf>) -> String {
    let name = this.file_name().map(PathBuf::from).unwrap_or_default();
    let found = folders.find_map(|folder| folder.join(&name).canonicalize().ok());
    if found.is_some() && found == this.canonicalize().ok() {
        return word(&name);
    }
    match this.strip_prefix(here) {
        // Without a slash the shell would look for it elsewhere.
        Ok(below) if below.components().count() > 1 => word(below),
        _ => word(this),
    }
}

pub(crate) fn word(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_the_shell_would_not_find_is_called_by_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("target/release");
        std::fs::create_dir_all(&there).unwrap();
        let this = there.join("strongroom");
        std::fs::write(&this, "").unwrap();
        let nowhere = || std::iter::empty();
        assert_eq!(called(&this, folder.path(), nowhere()), "target/release/strongroom");
        assert_eq!(called(&this, Path::new("/elsewhere"), nowhere()), this.to_string_lossy());
        assert_eq!(called(&this, &there, nowhere()), this.to_string_lossy(), "a bare name is not looked for here");
        assert_eq!(called(&this, folder.path(), std::iter::once(there.clone())), "strongroom");
    }

    #[test]
    fn another_program_of_that_name_in_the_path_is_not_called() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["ours", "theirs"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join("strongroom"), "").unwrap();
        }
        let folders = ["theirs", "ours"].map(|name| folder.path().join(name));
        let this = folder.path().join("ours/strongroom");
        assert_eq!(called(&this, folder.path(), folders.into_iter()), "ours/strongroom");
    }

    #[test]
    fn a_path_with_spaces_stays_one_word() {
        assert_eq!(word(Path::new("/mnt/blue 1")), "'/mnt/blue 1'");
        assert_eq!(word(Path::new("it's")), r"'it'\''s'");
        assert_eq!(word(Path::new("a/b-c.d")), "a/b-c.d");
    }
}
