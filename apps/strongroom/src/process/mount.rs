//! The drive of a process: where it is mounted, and what its stages share of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use strongroom_drive::BagCache;
use strongroom_service::Config;

use crate::admission::LogAdmission;
use crate::cli_error::CliError;

pub(super) struct Mount {
    pub(super) root: PathBuf,
    pub(super) admission: Arc<LogAdmission>,
    pub(super) bags: BagCache,
}

/// The configuration, with the place that `--drive` names.
pub(crate) fn with_drive(mut config: Config, drive: Option<&Path>) -> Result<Config, CliError> {
    if let Some(root) = drive {
        config.drive.root = Some(std::path::absolute(root)?);
    }
    Ok(config)
}
