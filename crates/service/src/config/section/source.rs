//! `[source]`

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;
use url::Url;

use crate::config::ConfigError;
use crate::config::value::{Period, Secret, web_address};

/// The document server whose files are taken away.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct SourceSection {
    /// Its address, such as `"https://documents.example.com"`.
    #[config(deserialize_with = web_address)]
    #[schemars(with = "Option<String>")]
    pub url: Option<Url>,

    /// Its access token with the scope `backup`, as `strongroom server token` prints it.
    /// Better kept in a file of its own (`token_file`) or in the environment.
    pub token: Option<Secret>,

    /// The file that holds the token and nothing else, readable by this program's user only.
    pub token_file: Option<PathBuf>,

    /// A certificate authority (PEM file) to trust instead of the host's own.
    pub ca_file: Option<PathBuf>,

    /// How long a connection may take to come up.
    #[config(default = "10s")]
    pub connect_timeout: Period,

    /// How long the server may send nothing before a transfer counts as stalled. There is
    /// no limit for a whole transfer.
    #[config(default = "30s")]
    pub read_timeout: Period,

    /// How many connections are kept open, at most.
    #[config(default = 16, validate(*connections >= 1, "at least 1 connection is needed"))]
    pub connections: u32,
}

impl SourceSection {
    /// The server's address.
    pub fn address(&self) -> Result<&Url, ConfigError> {
        self.url.as_ref().ok_or(ConfigError::Missing {
            key: "source.url",
            purpose: "the address of the document server",
            example: r#"url = "https://documents.example.com""#,
        })
    }

    /// The access token.
    pub fn secret(&self) -> Result<Secret, ConfigError> {
        Secret::choose("source.token", self.token.as_ref(), self.token_file.as_deref())?.ok_or(ConfigError::Missing {
            key: "source.token",
            purpose: "the document server's access token",
            example: r#"token_file = "source.token", or STRONGROOM_SOURCE_TOKEN in the environment; `strongroom server token` makes one"#,
        })
    }
}
