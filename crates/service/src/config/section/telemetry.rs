//! `[telemetry]`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::value::collector_address;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Plain,
    /// One JSON object a line, for collectors.
    Json,
}

/// The default level.
pub const DEFAULT_LEVEL: &str = "info";

/// What this program says about itself while it works, on stderr.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct Telemetry {
    /// From which level on: "error", "warn", "info", "debug" or "trace"; or for each part:
    /// "info,strongroom_fetch=debug".
    #[config(default = "info", validate = crate::telemetry::check_level)]
    pub level: String,

    /// "plain" for people, "json" (one object a line) for collectors.
    #[config(default = "plain")]
    pub format: LogFormat,

    /// The collector that traces are sent to (OpenTelemetry's OTLP over HTTP, to `v1/traces`
    /// below this address). Unset: none are kept.
    #[config(deserialize_with = collector_address)]
    #[schemars(with = "Option<String>")]
    pub otlp_endpoint: Option<Url>,
}
