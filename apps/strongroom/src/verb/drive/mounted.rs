//! The drive that is mounted at a folder, for an act to name.

use std::path::Path;

use strongroom_drive::Drive;
use strongroom_model::event::MountedDrive;

use super::drive_error;
use crate::cli_error::CliError;

pub(super) fn mounted(root: &Path) -> Result<MountedDrive, CliError> {
    let root = std::path::absolute(root)?;
    let (identity, _) = Drive::look(&root).map_err(|error| drive_error(&error))?;
    let Some(path) = root.to_str() else {
        return Err(CliError::new(format!("the folder {} has a name that is not UTF-8", root.display()))
            .next_step("mount the drive at a folder with a plain name"));
    };
    Ok(MountedDrive { drive: identity.id, path: path.to_owned() })
}
