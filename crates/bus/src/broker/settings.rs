//! Where the broker is.

use std::fmt;
use std::time::Duration;

use lapin::uri::{AMQPScheme, AMQPUri};
use strongroom_model::text::printable;
use strongroom_service::config::Secret;
use url::{Host, Url};

use crate::broker::BrokerError;

/// How a broker is reached and used.
#[derive(Debug, Clone)]
pub struct BrokerSettings {
    /// `amqp://user:password@host:5672/vhost`, or `amqps://` for TLS. The default virtual host is `/`.
    pub url: Secret,
    /// The connections' name at the broker.
    pub connection_name: String,
    /// After twice this the peer counts as gone.
    pub heartbeat: Duration,
    /// The TCP connection's time-out.
    pub connect_timeout: Duration,
    /// The time-out of connecting, and later of each answer.
    pub setup_timeout: Duration,
    /// Ready messages that the relay lets a queue hold; the log holds the rest.
    pub ready_most: u32,
    /// When work takes a lease in the log and its message is acknowledged: before the broker's `consumer_timeout` (30
    /// min by default).
    pub lease_after: Duration,
}

impl BrokerSettings {
    /// The defaults, for the broker at that URL.
    #[must_use]
    pub fn new(url: Secret) -> Self {
        Self {
            url,
            connection_name: "strongroom".to_owned(),
            heartbeat: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(10),
            setup_timeout: Duration::from_secs(30),
            // Some seconds' work for the fastest stage, and about 2 MiB on the broker.
            ready_most: 2_000,
            lease_after: Duration::from_secs(600),
        }
    }
}

/// A broker's URL, parsed. Shown without its secret.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) uri: AMQPUri,
}

impl Address {
    pub(super) fn parse(settings: &BrokerSettings) -> Result<Self, BrokerError> {
        let unusable = |reason: String| BrokerError::Url { reason: printable(&reason, 200) };
        let text = settings.url.reveal();
        // The parsers' errors may repeat the URL, secret included.
        let url = Url::parse(text).map_err(|error| unusable(error.to_string()))?;
        if !matches!(url.scheme(), "amqp" | "amqps") {
            return Err(unusable(format!("it begins with {}://", url.scheme())));
        }
        let mut uri: AMQPUri = text.parse().map_err(|_| unusable("it is not a URL of a broker".to_owned()))?;
        // The client's parser does not know IPv6 literals, and would call localhost instead.
        uri.authority.host = match url.host() {
            None => return Err(unusable("it names no host".to_owned())),
            Some(Host::Ipv6(host)) => host.to_string(),
            Some(host) => host.to_string(),
        };
        // `amqp://host/` names the virtual host "", which nobody has.
        if uri.vhost.is_empty() {
            uri.vhost = "/".to_owned();
        }
        uri.query.heartbeat = Some(u16::try_from(settings.heartbeat.as_secs()).unwrap_or(u16::MAX).max(1));
        uri.query.connection_timeout = Some(u64::try_from(settings.connect_timeout.as_millis()).unwrap_or(u64::MAX));
        Ok(Self { uri })
    }

    pub(super) fn user(&self) -> &str {
        &self.uri.authority.userinfo.username
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.uri.scheme == AMQPScheme::AMQPS { "amqps" } else { "amqp" };
        let (host, port, vhost) = (&self.uri.authority.host, self.uri.authority.port, &self.uri.vhost);
        let slash = if vhost == "/" { "" } else { "/" };
        if host.contains(':') {
            write!(f, "{scheme}://[{host}]:{port}{slash}{vhost}")
        } else {
            write!(f, "{scheme}://{host}:{port}{slash}{vhost}")
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Result<Address, BrokerError> {
        Address::parse(&BrokerSettings::new(Secret::new(url)))
    }

    #[test]
    fn an_address_is_shown_without_its_secret() {
        let settings = BrokerSettings::new(Secret::new("amqp://me:hunter2@rabbit:5673/backups"));
        let address = Address::parse(&settings).unwrap();
        assert_eq!(address.to_string(), "amqp://rabbit:5673/backups");
        assert_eq!(address.user(), "me");
        let shown = format!("{settings:?} {address:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn without_a_virtual_host_it_is_the_brokers_first_one() {
        for url in ["amqp://rabbit", "amqp://rabbit/", "amqp://rabbit/%2F", "amqp://rabbit/%2f"] {
            assert_eq!(address(url).unwrap().uri.vhost, "/", "{url}");
        }
        assert_eq!(address("amqps://rabbit/a%2Fb").unwrap().uri.vhost, "a/b");
    }

    #[test]
    fn an_address_in_numbers_is_called_and_not_localhost() {
        assert_eq!(address("amqp://10.0.0.7").unwrap().uri.authority.host, "10.0.0.7");
        let address = address("amqp://[fd00::7]:5673/x").unwrap();
        assert_eq!(address.uri.authority.host, "fd00::7");
        assert_eq!(address.to_string(), "amqp://[fd00::7]:5673/x");
    }

    #[test]
    fn what_is_no_brokers_url_is_refused_without_its_secret() {
        for url in [
            "",
            "rabbit",
            "http://me:hunter2@rabbit",
            "amqp:hunter2",
            "amqp://me:hunter2@/x",
            "amqp://me:hunter2@rabbit:99999",
        ] {
            let error = address(url).unwrap_err().to_string();
            assert!(!error.contains("hunter2") && error.contains("amqp://"), "{url}: {error}");
        }
    }
}
