//! `[drive]`

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use strongroom_model::{ByteCount, DriveId};

use crate::config::ConfigError;
use crate::config::value::{drive_id, size};

/// The backup drive that the files go to.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct DriveSection {
    /// The folder where the drive is mounted, set up once with `strongroom drive init`.
    pub root: Option<PathBuf>,

    /// The only drive to write to, by its id as `strongroom drive status` shows it. Unset:
    /// any drive that was set up.
    #[config(deserialize_with = drive_id)]
    pub id: Option<DriveId>,

    /// How much room is always left free on the drive.
    #[config(default = "2GiB", deserialize_with = size)]
    #[schemars(with = "String")]
    pub reserve: ByteCount,
}

impl DriveSection {
    /// The mount folder.
    pub fn mounted_at(&self) -> Result<&Path, ConfigError> {
        self.root.as_deref().ok_or(ConfigError::Missing {
            key: "drive.root",
            purpose: "the folder where the backup drive is mounted",
            example: r#"root = "/mnt/backup""#,
        })
    }
}
