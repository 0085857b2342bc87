//! Addresses of databases and brokers, whose passwords are never shown.

use std::fmt;
use std::path::Path;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use super::Secret;
use crate::config::ConfigError;

/// An address with credentials. Printing, logging or serialising it shows neither password nor parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceUrl(Url);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServiceKind {
    Database,
    Broker,
}

impl ServiceKind {
    const fn schemes(self) -> [&'static str; 2] {
        match self {
            Self::Database => ["postgres", "postgresql"],
            Self::Broker => ["amqp", "amqps"],
        }
    }

    pub(crate) const fn example(self) -> &'static str {
        match self {
            Self::Database => "postgres://strongroom:password@127.0.0.1/strongroom",
            Self::Broker => "amqp://strongroom:password@127.0.0.1/strongroom",
        }
    }
}

/// An invalid address. The text is not repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseServiceUrlError(String);

impl ServiceUrl {
    /// Parses a Postgres database's address.
    pub fn database(text: &str) -> Result<Self, ParseServiceUrlError> {
        Self::parse(ServiceKind::Database, text)
    }

    /// Parses a broker's address.
    pub fn broker(text: &str) -> Result<Self, ParseServiceUrlError> {
        Self::parse(ServiceKind::Broker, text)
    }

    /// The whole address, for the call that needs it.
    pub const fn reveal(&self) -> &Url {
        &self.0
    }

    fn parse(kind: ServiceKind, text: &str) -> Result<Self, ParseServiceUrlError> {
        let write = |why: String| ParseServiceUrlError(format!("{why}: write it such as {:?}", kind.example()));
        let url = Url::parse(text).map_err(|error| {
            write(format!(
                "it is not an address ({error}; in a password, characters such as @ and / are written %40 and %2F)"
            ))
        })?;
        let [scheme, other] = kind.schemes();
        if ![scheme, other].contains(&url.scheme()) {
            let article = if scheme.starts_with('a') { "an" } else { "a" };
            return Err(write(format!("it is not {article} {scheme}:// address")));
        }
        match kind {
            ServiceKind::Database if names_no_database(&url) => Err(write("it names no database".to_owned())),
            ServiceKind::Broker if url.host_str().is_none_or(str::is_empty) => {
                Err(write("it names no host".to_owned()))
            }
            _ => Ok(Self(url)),
        }
    }

    /// The address, given directly or in a file.
    pub(crate) fn choose(
        kind: ServiceKind,
        key: &'static str,
        inline: Option<&Self>,
        file: Option<&Path>,
    ) -> Result<Option<Self>, ConfigError> {
        let Some(path) = file else {
            return Ok(inline.cloned());
        };
        if inline.is_some() {
            return Err(ConfigError::TwoSecrets { key, path: path.to_owned() });
        }
        let text = Secret::choose(key, None, file)?;
        let parsed = text.map(|text| Self::parse(kind, text.reveal().trim())).transpose();
        parsed.map_err(|error| ConfigError::Value {
            place: path.display().to_string(),
            key: format!("{key}_file"),
            message: error.to_string(),
        })
    }
}

/// libpq also takes it as a parameter.
fn names_no_database(url: &Url) -> bool {
    url.path().trim_matches('/').is_empty() && !url.query_pairs().any(|(name, _)| name == "dbname")
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.clone();
        // Parameters may hold a password too (`?password=`).
        shown.set_query(None);
        shown.set_fragment(None);
        // An address without a host has no password.
        if shown.set_password(None).is_err() {
            debug_assert_eq!(shown.password(), None, "what cannot be taken away is not there");
        }
        write!(f, "{shown}")
    }
}

impl fmt::Debug for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for ServiceUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

pub(in crate::config) fn database_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ServiceUrl, D::Error> {
    address(ServiceKind::Database, deserializer)
}

pub(in crate::config) fn broker_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ServiceUrl, D::Error> {
    address(ServiceKind::Broker, deserializer)
}

/// Read as a secret, so that no message repeats it.
fn address<'de, D: Deserializer<'de>>(kind: ServiceKind, deserializer: D) -> Result<ServiceUrl, D::Error> {
    ServiceUrl::parse(kind, Secret::deserialize(deserializer)?.reveal()).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_password_nor_a_parameter_is_shown() {
        let url = ServiceUrl::database("postgres://me:hunter2@db.example.com:5433/log?password=hunter2").unwrap();
        let shown = format!("{url} {url:?} {}", toml::Value::try_from(&url).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.starts_with("postgres://me@db.example.com:5433/log "), "{shown}");
        assert_eq!(url.reveal().password(), Some("hunter2"));
        assert!(url.reveal().as_str().ends_with("/log?password=hunter2"));
    }

    #[test]
    fn a_database_behind_a_socket_has_no_host() {
        let url = ServiceUrl::database("postgres:///log?host=/run/postgresql&password=hunter2").unwrap();
        assert_eq!(url.to_string(), "postgres:///log");
    }

    #[test]
    fn what_is_no_such_address_is_refused_without_being_repeated() {
        let bad =
            ["hunter2", "postgres://me:hunter2/x@db/log", "mysql://me:hunter2@db/log", "postgres://me:hunter2@db"];
        for text in bad {
            let error = ServiceUrl::database(text).unwrap_err().to_string();
            assert!(error.contains("write it such as \"postgres://") && !error.contains("hunter2"), "{error}");
        }
        for text in ["amqp:/strongroom", "http://me:hunter2@mq:15672", "amqp://me:hunter2@:5672/x"] {
            let error = ServiceUrl::broker(text).unwrap_err().to_string();
            assert!(error.contains("write it such as \"amqp://") && !error.contains("hunter2"), "{error}");
        }
        assert!(ServiceUrl::broker("amqps://me:p%40ss@mq.example.com/%2F").is_ok());
    }
}
