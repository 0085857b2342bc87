//! The configuration: one `strongroom.toml`, a section for each part.
//!
//! - [`section`]: the keys, one file for each section; their doc comments are the comments
//!   of the [`template`], their defaults are the defaults;
//! - [`value`]: the kinds of values that keys take;
//! - [`load`]: defaults, the file, the environment and flags, one over the other;
//! - [`error`]: what can be wrong with it, said so that it can be put right;
//! - [`template`] and [`schema`]: the commented file, and its JSON Schema.

pub mod error;
mod keys;
pub mod load;
mod nearest;
mod paths;
mod plain;
pub mod schema;
pub mod section;
pub mod template;
mod text_file;
pub mod value;

pub use self::error::ConfigError;
pub use self::load::{Place, Sources};
pub use self::plain::{is_local, needs_verified_tls, sends_in_the_clear};
pub use self::section::{
    Archive, Broker, Config, DEFAULT_LEVEL, Drive, Enumerate, Fetch, Health, Log, LogFormat, Mail, Require, Retry,
    Runs, Server, Smtp, Source, SummaryMode, Telemetry, Tls, Transport, Verify,
};
pub use self::template::Template;
pub use self::value::{ClockTime, ParseServiceUrlError, Period, Secret, ServiceUrl, Zone};

#[cfg(test)]
mod tests;
