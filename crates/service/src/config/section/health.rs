//! `[health]`

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::Serialize;

/// Where a process reports its health: /healthz, /readyz and /metrics, over HTTP.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct HealthSection {
    /// The address and port to listen on; `--listen` goes over it, since two processes on
    /// one host cannot share it. There is no login: keep it within the host or a closed
    /// network. Unset: nothing listens.
    #[schemars(with = "Option<String>")]
    pub listen: Option<SocketAddr>,
}
