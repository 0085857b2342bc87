//! Environment and flags.

use std::collections::BTreeMap;

use confique::Layer;
use confique::meta::Expr;
use serde::Deserialize;
use strongroom_model::text::printable;
use toml::{Table, Value};

use super::ConfigLayer;
use crate::config::error::ConfigError;
use crate::config::keys::{self, Key};
use crate::config::value::MAX_SHOWN_CHARS;

pub(super) const PREFIX: &str = "STRONGROOM_";

/// `STRONGROOM_SOURCE_TOKEN` sets `source.token`. An empty variable counts as unset.
pub(super) fn environment(environment: &BTreeMap<String, String>) -> Result<ConfigLayer, ConfigError> {
    let keys = keys::all();
    let mut layer = ConfigLayer::empty();
    for (name, value) in environment.iter().filter(|(name, value)| !value.is_empty() && !is_service_link(name, value)) {
        match keys.iter().find(|key| key.variable() == *name) {
            Some(key) => layer = one(key, value, &format!("environment variable {name}"))?.with_fallback(layer),
            None => refuse_if_meant_for_us(name, &keys)?,
        }
    }
    Ok(layer)
}

/// Kubernetes and Docker set variables for services, such as `STRONGROOM_SERVER_PORT=tcp://10.0.0.1:8400`
/// (Kubernetes, "Service environment variables").
fn is_service_link(name: &str, value: &str) -> bool {
    let name = name.strip_prefix(PREFIX).unwrap_or_default();
    let is_address = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    let protocol = ["_TCP", "_UDP", "_SCTP"].iter().find_map(|protocol| name.rsplit_once(protocol));
    let is_of_port = protocol.is_some_and(|(before, after)| {
        let port = before.rsplit_once("PORT_").is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        port && matches!(after, "" | "_PROTO" | "_PORT" | "_ADDR")
    });
    let is_of_service = |part: &str| name.starts_with(part) || name.contains(&format!("_{part}"));
    (name.ends_with("PORT") && is_address)
        || is_of_port
        || name.ends_with("SERVICE_HOST")
        || is_of_service("SERVICE_PORT")
}

/// A section's name at the beginning means a key; other variables, such as `STRONGROOM_CONFIG`, are ignored.
fn refuse_if_meant_for_us(name: &str, keys: &[Key]) -> Result<(), ConfigError> {
    let rest = name.strip_prefix(PREFIX).unwrap_or_default().to_lowercase();
    let section = rest.split('_').next().unwrap_or_default();
    let in_section = |key: &Key| rest.len() > section.len() && key.path.starts_with(&format!("{section}."));
    if !keys.iter().any(in_section) {
        return Ok(());
    }
    let nearest = keys::nearest_variable(name);
    let key = printable(name, MAX_SHOWN_CHARS);
    Err(ConfigError::UnknownKey { place: "environment".to_owned(), key, nearest })
}

pub(super) fn flags(flags: &[(String, String)]) -> Result<ConfigLayer, ConfigError> {
    let keys = keys::all();
    let mut layer = ConfigLayer::empty();
    for (path, value) in flags {
        let key = keys.iter().find(|key| key.path == *path).ok_or_else(|| ConfigError::UnknownKey {
            place: "flag".to_owned(),
            key: printable(path, MAX_SHOWN_CHARS),
            nearest: keys::nearest_to(path),
        })?;
        layer = one(key, value, "flag")?.with_fallback(layer);
    }
    Ok(layer)
}

fn one(key: &Key, text: &str, place: &str) -> Result<ConfigLayer, ConfigError> {
    let bad = |message: &str| ConfigError::Value {
        place: place.to_owned(),
        key: key.path.clone(),
        message: keys::explain(&key.path, message),
    };
    let value = value(key, text).map_err(|message| bad(&message))?;
    let mut names = key.path.rsplit('.');
    let innermost = names.next().unwrap_or_default().to_owned();
    let mut table = Table::from_iter([(innermost, value)]);
    for section in names {
        table = Table::from_iter([(section.to_owned(), Value::Table(table))]);
    }
    ConfigLayer::deserialize(table).map_err(|error| bad(error.message()))
}

/// Parsed like the key's default; without one, text.
fn value(key: &Key, text: &str) -> Result<Value, String> {
    let shown = || printable(text, MAX_SHOWN_CHARS);
    Ok(match key.default() {
        Some(Expr::Integer(_)) => {
            Value::Integer(text.trim().parse().map_err(|_| format!("{:?} is not a whole number", shown()))?)
        }
        Some(Expr::Bool(_)) => {
            Value::Boolean(text.trim().parse().map_err(|_| format!("{:?} is neither true nor false", shown()))?)
        }
        Some(Expr::Array(_)) => text.split(',').map(str::trim).map(Value::from).collect::<Vec<_>>().into(),
        _ => Value::from(text),
    })
}
