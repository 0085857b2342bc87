//! Log lines on stderr, and traces for a collector.

#[cfg(feature = "otlp")]
mod outage;
mod repeats;
#[cfg_attr(not(feature = "otlp"), path = "telemetry/no_traces.rs")]
mod traces;

use std::io::{self, IsTerminal};

use strongroom_model::SiteId;
use tracing_subscriber::filter::FilterExt as _;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use self::repeats::Repeats;
pub use self::traces::Traces;
use crate::config::{LogFormat, Telemetry};

/// Silent unless requested: an absent collector would fill the log ([`outage`] logs it once), the broker's client
/// shows unroutable messages with file names, and the database's errors are returned.
const QUIET: [&str; 3] = ["opentelemetry", "lapin::returned_messages", "sqlx"];

/// A sender of traces.
#[derive(Debug, Clone, Copy)]
pub struct ServiceIdentity<'a> {
    /// Such as `fetch`: the service is `strongroom-fetch`.
    pub verb: &'a str,
    /// Its site.
    pub site: &'a SiteId,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level is invalid.
    #[error("telemetry.level: {0}")]
    Level(String),
    /// Traces cannot be sent to the endpoint.
    #[error("telemetry.otlp_endpoint: {0}")]
    Traces(String),
    /// It is set up already.
    #[error("telemetry is set up already in this process")]
    Twice(#[source] TryInitError),
}

/// Log lines on stderr, without traces. `RUST_LOG` overrides the configured level.
pub fn init(settings: &Telemetry) -> Result<(), TelemetryError> {
    install(settings, io::stderr, io::stderr().is_terminal(), &Traces::none())
}

/// As [`init`], with traces to the configured collector. Call it within a tokio runtime, which sends them.
pub fn init_as(settings: &Telemetry, who: &ServiceIdentity<'_>) -> Result<Traces, TelemetryError> {
    init_as_to(settings, who, io::stderr, io::stderr().is_terminal())
}

/// As [`init_as`], with another writer, such as one that moves a progress bar.
pub fn init_as_to<W>(
    settings: &Telemetry,
    who: &ServiceIdentity<'_>,
    writer: W,
    colours: bool,
) -> Result<Traces, TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let traces = match &settings.otlp_endpoint {
        Some(endpoint) => Traces::to(endpoint, who).map_err(TelemetryError::Traces)?,
        None => Traces::none(),
    };
    install(settings, writer, colours, &traces)?;
    Ok(traces)
}

fn install<W>(settings: &Telemetry, writer: W, colours: bool, traces: &Traces) -> Result<(), TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let level = std::env::var("RUST_LOG").ok().filter(|level| !level.is_empty());
    let filter = log_filter(level.as_deref().unwrap_or(&settings.level)).map_err(TelemetryError::Level)?;
    let lines = fmt::layer::<Registry>().with_writer(writer);
    let lines = match settings.format {
        LogFormat::Plain => lines.with_ansi(colours).with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let subscriber =
        tracing_subscriber::registry().with(lines.with_filter(filter.and(Repeats::default()))).with(traces.layer());
    subscriber.try_init().map_err(TelemetryError::Twice)
}

#[expect(clippy::ptr_arg, reason = "confique hands over the field's own type")]
pub(crate) fn check_level(level: &String) -> Result<(), String> {
    filter(level).map(drop)
}

fn log_filter(level: &str) -> Result<EnvFilter, String> {
    let unasked = QUIET.into_iter().filter(|library| !level.contains(library));
    Ok(unasked.fold(filter(level)?, |filter, library| {
        filter.add_directive(format!("{library}=off").parse().expect("it is a directive"))
    }))
}

fn filter(level: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(level).map_err(|error| {
        let shown = strongroom_model::text::printable(level, 60);
        format!("{shown:?} is not a level ({error}): write \"info\", or \"info,strongroom_fetch=debug\"")
    })
}
