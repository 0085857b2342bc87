//! `[server]`

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;
use strongroom_model::ByteCount;

use crate::config::ConfigError;
use crate::config::value::{ServiceKind, ServiceUrl, database_address, size};

/// The document server itself, where `strongroom server` runs on this host.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct ServerSection {
    /// The address and port that it listens on. "0.0.0.0:8400" is every address of this
    /// host; put a proxy that speaks TLS before it then.
    #[config(default = "127.0.0.1:8400")]
    #[schemars(with = "String")]
    pub listen: SocketAddr,

    /// The folder that the documents lie in.
    #[config(default = "documents")]
    pub documents: PathBuf,

    /// The Postgres database with its own records. Unset: they are the file at `database`.
    #[config(deserialize_with = database_address)]
    #[schemars(with = "Option<String>")]
    pub database_url: Option<ServiceUrl>,

    /// The file that holds that address and nothing else, readable by this program's user
    /// only, instead of `database_url`.
    pub database_url_file: Option<PathBuf>,

    /// The file with its own records (SQLite), where no Postgres database is set. Unset:
    /// `server.sqlite` in `data_dir`.
    pub database: Option<PathBuf>,

    /// The largest timesheet that it takes.
    #[config(default = "1GiB", deserialize_with = size)]
    #[schemars(with = "String")]
    pub largest_upload: ByteCount,

    /// How many proven copies on distinct drives a purge needs for each file.
    #[config(default = 2, validate(*purge_proofs >= 1, "a purge needs at least 1 proven copy"))]
    pub purge_proofs: u32,

    /// The site's public keys, as `strongroom key show` prints them. With one, the server
    /// believes only proofs that are in a log that the key signed, and a forged one counts
    /// for nothing. After a rotation, the old and the new key.
    #[config(default = [])]
    pub site_keys: Vec<String>,
}

impl ServerSection {
    /// The server's database, if set directly or in a file; otherwise its records are a file, at
    /// [`Config::database_path`](super::Config::database_path).
    pub fn database_address(&self) -> Result<Option<ServiceUrl>, ConfigError> {
        let (inline, file) = (self.database_url.as_ref(), self.database_url_file.as_deref());
        ServiceUrl::choose(ServiceKind::Database, "server.database_url", inline, file)
    }
}
