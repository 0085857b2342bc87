//! `[server]`

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;
use strongroom_model::ByteCount;

use crate::config::value::size;

/// The document server itself, where `strongroom server` runs on this host.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct Server {
    /// The address and port that it listens on. "0.0.0.0:8400" is every address of this
    /// host; put a proxy that speaks TLS before it then.
    #[config(default = "127.0.0.1:8400")]
    #[schemars(with = "String")]
    pub listen: SocketAddr,

    /// The folder that the documents lie in.
    #[config(default = "documents")]
    pub documents: PathBuf,

    /// The file with its own records (SQLite). Unset: `server.sqlite` in `data_dir`.
    pub database: Option<PathBuf>,

    /// The largest timesheet that it takes.
    #[config(default = "1GiB", deserialize_with = size)]
    #[schemars(with = "String")]
    pub largest_upload: ByteCount,

    /// How many proven copies on distinct drives a purge needs for each file.
    #[config(default = 2, validate(*purge_proofs >= 1, "a purge needs at least 1 proven copy"))]
    pub purge_proofs: u32,
}
