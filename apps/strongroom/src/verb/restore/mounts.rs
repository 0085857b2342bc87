//! Drives that are mounted on this host.

use std::path::{Path, PathBuf};

use strongroom_drive::Drive;
use strongroom_model::event::MountedDrive;
use strongroom_service::{Config, blocking};

use crate::cli_error::CliError;
use crate::verb::drive::drive_error;

/// One line for each mount (proc(5)); the second field is the folder.
const MOUNTS: &str = "/proc/self/mounts";

pub(super) fn at(root: &Path) -> Result<MountedDrive, CliError> {
    let root = std::path::absolute(root)?;
    let (identity, _) = Drive::look(&root).map_err(|error| drive_error(&error))?;
    Ok(MountedDrive { drive: identity.id, path: root.display().to_string() })
}

/// The configured one first.
pub(super) async fn all(config: &Config) -> Vec<MountedDrive> {
    let configured = config.drive.root.clone();
    blocking(move || {
        let mounts = std::fs::read_to_string(MOUNTS).unwrap_or_default();
        let folders = mounts.lines().filter_map(|line| Some(PathBuf::from(unescaped(line.split(' ').nth(1)?))));
        let mut found: Vec<MountedDrive> = Vec::new();
        for root in
            configured.into_iter().chain(folders.filter(|folder| folder.join(".strongroom/drive.json").is_file()))
        {
            if let Ok(one) = at(&root)
                && !found.iter().any(|known| known.drive == one.drive)
            {
                found.push(one);
            }
        }
        found
    })
    .await
}

/// Spaces, tabs, line feeds and backslashes are written as three octal digits.
fn unescaped(path: &str) -> String {
    ["\\040", "\\011", "\\012"]
        .iter()
        .zip([" ", "\t", "\n"])
        .fold(path.to_owned(), |path, (from, to)| path.replace(from, to))
        .replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_points_name_is_read_as_it_is() {
        assert_eq!(unescaped("/media/my\\040drive\\134x"), "/media/my drive\\x");
    }
}
