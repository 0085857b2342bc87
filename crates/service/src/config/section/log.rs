//! `[log]`

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::ConfigError;
use crate::config::value::{ServiceKind, ServiceUrl, database_address};

/// The event log: the truth about everything.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct LogSection {
    /// The Postgres database that holds the log, so that processes on many hosts share it.
    /// Unset: the log is the file at `path`.
    #[config(deserialize_with = database_address)]
    #[schemars(with = "Option<String>")]
    pub url: Option<ServiceUrl>,

    /// The file that holds that address and nothing else, readable by this program's user
    /// only, instead of `url`.
    pub url_file: Option<PathBuf>,

    /// The log's file (SQLite), where no database is set. Unset: `log.sqlite` in `data_dir`.
    pub path: Option<PathBuf>,

    /// The file with the private key that signs the log's checkpoints, made by `strongroom key
    /// new`, readable by this program's user only. Unset: `key.<site>` in `data_dir`.
    pub key_file: Option<PathBuf>,
}

impl LogSection {
    /// The log's database, if set directly or in a file; otherwise the log is a file, at
    /// [`Config::log_path`](super::Config::log_path).
    pub fn database(&self) -> Result<Option<ServiceUrl>, ConfigError> {
        ServiceUrl::choose(ServiceKind::Database, "log.url", self.url.as_ref(), self.url_file.as_deref())
    }
}
