//! What verbs open of a site: its configuration, its log, its document server.

use std::path::Path;

use strongroom_eventlog::{EventLog, OpenError};
use strongroom_service::Config;
use strongroom_source::{Source, SourceSettings};

use crate::trouble::{OrTrouble as _, Trouble};

/// The configuration that is in force.
pub(crate) fn config(file: Option<&Path>) -> Result<Config, Trouble> {
    Config::load(file).map_err(Trouble::from)
}

/// The log, to append to; made where there is none.
pub(crate) async fn log(config: &Config) -> Result<EventLog, Trouble> {
    let opened = EventLog::open_sqlite(&config.log_path(), &config.site).await;
    opened.map_err(|error| Trouble::from(error).next_step("`strongroom doctor` looks at what is around it"))
}

/// The log, to read only.
pub(crate) async fn log_to_read(config: &Config) -> Result<EventLog, Trouble> {
    let opened = EventLog::open_read_only(&config.log_path(), &config.site).await;
    opened.map_err(|error| {
        let step = match error {
            OpenError::Missing(_) => "`strongroom run --once` makes it; log.path and data_dir say where",
            _ => "`strongroom doctor` looks at what is around it",
        };
        Trouble::from(error).next_step(step)
    })
}

/// The log, to read only; `None` where nothing has run yet.
pub(crate) async fn log_if_any(config: &Config) -> Result<Option<EventLog>, Trouble> {
    match EventLog::open_read_only(&config.log_path(), &config.site).await {
        Ok(log) => Ok(Some(log)),
        Err(OpenError::Missing(_)) => Ok(None),
        Err(error) => Err(Trouble::from(error).next_step("`strongroom doctor` looks at what is around it")),
    }
}

/// A client of the document server. Nothing is sent yet.
pub(crate) fn source(config: &Config) -> Result<Source, Trouble> {
    let section = &config.source;
    let authority_pem = match &section.ca_file {
        None => None,
        Some(path) => Some(std::fs::read(path).or_next(
            format!("cannot read {}, which source.ca_file names", path.display()),
            "check that it exists and that this user may read it",
        )?),
    };
    let settings = SourceSettings {
        url: section.address()?.to_string(),
        token: Some(section.secret()?.reveal().to_owned()),
        connect_timeout: section.connect_timeout.get(),
        read_timeout: section.read_timeout.get(),
        connections: section.connections as usize,
        authority_pem,
    };
    Source::new(&settings).map_err(Trouble::from)
}
