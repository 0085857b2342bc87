use std::fmt;
use std::time::Duration;

use strongroom_model::text::printable;
use url::Url;

/// How a [`Source`](crate::Source) reaches its server.
#[derive(Clone)]
pub struct SourceSettings {
    /// The address: `http` or `https`, and the API's path, if any.
    pub url: String,
    /// The bearer token; never shown.
    pub token: Option<String>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long the server may send nothing while a response is due.
    pub read_timeout: Duration,
    /// How many idle connections are kept: the concurrent downloads.
    pub connections: usize,
    /// A certificate authority (PEM), replacing the system's.
    pub authority_pem: Option<Vec<u8>>,
}

impl SourceSettings {
    /// 10 s to connect, 30 s of silence, 8 connections.
    pub fn new(url: impl Into<String>, token: Option<String>) -> Self {
        Self {
            url: url.into(),
            token,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            connections: 8,
            authority_pem: None,
        }
    }

    pub(crate) fn base(&self) -> Result<Url, SettingsError> {
        let bad = |reason| SettingsError::Url { url: redacted(&self.url), reason };
        let url = Url::parse(&self.url).map_err(|_| bad("it cannot be read as an address"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(bad("it does not begin with http:// or https:// and a host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("it holds a login: the token has its own setting"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("it has something behind the path"));
        }
        Ok(url)
    }
}

impl fmt::Debug for SourceSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceSettings")
            .field("url", &redacted(&self.url))
            .field("token", &self.token.as_ref().map(|_| "[hidden]"))
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("connections", &self.connections)
            .field("authority_pem", &self.authority_pem.is_some())
            .finish()
    }
}

/// Removes what may be a password: all from the scheme to the last `@`.
fn redacted(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => printable(&format!("{scheme}://…@{rest}"), 120),
        _ => printable(url, 120),
    }
}

/// Invalid settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The address cannot be used.
    #[error("source.url {url:?} cannot be used: {reason}; write it as https://documents.example.org")]
    Url {
        /// The address, without a login.
        url: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The token cannot be sent in a header.
    #[error("the document server's token holds a character that no token has (a space or line break?): write it anew")]
    Token,
    /// The certificate authority cannot be read.
    #[error("source.ca_file is not a PEM certificate: {0}")]
    Authority(String),
    /// TLS has nothing to trust, or could not start.
    #[error("no https client can be made: {0}; install the system's certificates (Debian: ca-certificates)")]
    Tls(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_used_says_why() {
        for (url, part) in [
            ("documents.example.org", "cannot be read as an address"),
            ("ftp://documents.example.org", "http:// or https://"),
            ("https://anna:geheim@documents.example.org", "holds a login"),
            ("https://documents.example.org/?token=geheim", "behind the path"),
        ] {
            let error = SourceSettings::new(url, None).base().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
            assert!(error.contains("source.url"), "{error}");
        }
    }

    #[test]
    fn neither_a_token_nor_a_password_is_ever_shown() {
        let settings =
            SourceSettings::new("https://anna:geheim@documents.example.org", Some("streng-geheim".to_owned()));
        let shown = format!("{settings:?} {}", settings.base().unwrap_err());
        assert!(!shown.contains("geheim"), "{shown}");
    }
}
