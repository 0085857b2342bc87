//! Telemetry: what the program says about itself, on stderr.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{LogFormat, Telemetry};

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level is none.
    #[error("telemetry.level: {0}")]
    Level(String),
    /// It is set up already.
    #[error("telemetry is set up already in this process")]
    Twice(#[source] TryInitError),
}

/// Sends what the program says to stderr from now on, as configured. `RUST_LOG` in the
/// environment is heeded over the configured level.
///
/// # Errors
/// The level is none, or this was called before.
pub fn init(settings: &Telemetry) -> Result<(), TelemetryError> {
    init_to(settings, io::stderr, io::stderr().is_terminal())
}

/// The same, to another writer: one that moves a progress bar out of the way, say.
///
/// # Errors
/// The level is none, or this was called before.
pub fn init_to<W>(settings: &Telemetry, writer: W, colours: bool) -> Result<(), TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let level = std::env::var("RUST_LOG").ok().filter(|level| !level.is_empty());
    let filter = filter(level.as_deref().unwrap_or(&settings.level)).map_err(TelemetryError::Level)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    let set_up = match settings.format {
        LogFormat::Plain => builder.with_ansi(colours).with_target(false).finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
    };
    set_up.map_err(TelemetryError::Twice)
}

/// Whether `level` is one, as [`Telemetry::level`] wants it.
#[expect(clippy::ptr_arg, reason = "confique hands over the field's own type")]
pub(crate) fn check_level(level: &String) -> Result<(), String> {
    filter(level).map(drop)
}

fn filter(level: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(level).map_err(|error| {
        let shown = strongroom_model::text::printable(level, 60);
        format!("{shown:?} is no level ({error}): write \"info\", or \"info,strongroom_fetch=debug\"")
    })
}
