//! The configuration: one `strongroom.toml`, a section for each part.
//!
//! - `section`: the keys; doc comments become the [`template`]'s comments;
//! - `value`: types of values;
//! - `load`: flags over environment over file over defaults;
//! - `jobs`: what the keys of a job must be together;
//! - `error`; [`template`]; `schema` (JSON Schema, written by a test).

mod error;
mod jobs;
mod keys;
mod load;
mod nearest;
mod paths;
mod plain;
#[cfg(test)]
mod schema;
mod section;
pub mod template;
mod text_file;
mod value;

pub use self::error::ConfigError;
pub use self::jobs::{BUILT_IN_KINDS, PLUGIN_KIND};
pub use self::load::{FILE_NAME, Sources};
pub use self::plain::{is_local, needs_verified_tls, sends_in_the_clear};
pub use self::section::{
    Config, DEFAULT_LEVEL, Day, JobSection, LogFormat, Require, SummaryMode, Telemetry, Tls, Transport,
};
pub use self::template::Template;
pub use self::value::{ClockTime, ParseServiceUrlError, Period, Secret, ServiceUrl, Zone};

#[cfg(test)]
mod tests;
