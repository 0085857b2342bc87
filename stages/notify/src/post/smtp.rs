//! SMTP (RFC 5321), with a connection per mail. The dialogue is our own ([decision
//! 16](../../../../docs/decisions/0016-our-own-smtp-dialogue.md)): only each recipient's reply code counts, whatever
//! the text's encoding.

mod connection;
mod failure;
pub(crate) mod hello;
mod reply;
mod tls;
mod transaction;

use std::time::Duration;

use lettre::Address;
use strongroom_model::text::printable;
use strongroom_service::config::{Secret, Tls as TlsMode};

use self::connection::Connection;
use self::tls::Protection;
use self::transaction::OutgoingMail;
use super::{Delivery, PostError, RECEIPT_CHARS};
use crate::message::Addresses;

/// Time for everything up to the message's end: RFC 5321, section 4.5.3.2 allows minutes for some replies. Only other
/// mails wait.
pub const PATIENCE: Duration = Duration::from_secs(180);
/// Time for the reply to the message (RFC 5321, section 4.5.3.2.6): servers may scan it first, and giving up early
/// sends it twice.
pub const PATIENCE_AFTER_DATA: Duration = Duration::from_secs(600);

/// How a mail server is reached.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// Its name, which its certificate must have.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: TlsMode,
    /// User and password.
    pub login: Option<(String, Secret)>,
    /// A certificate authority (PEM), replacing the host's.
    pub ca_pem: Option<Vec<u8>>,
    /// The name in EHLO; default: this host's full name or address.
    pub hello: Option<String>,
    /// See [`PATIENCE`].
    pub patience: Duration,
    /// See [`PATIENCE_AFTER_DATA`].
    pub patience_after_data: Duration,
}

/// A mail server.
#[derive(Debug, Clone)]
pub struct Smtp {
    settings: SmtpSettings,
    protection: Option<Protection>,
    server: String,
}

/// Unusable settings.
#[derive(Debug, thiserror::Error)]
pub enum SmtpSetupError {
    /// The authority's file has no certificate.
    #[error("mail.smtp.ca_file holds no certificate that can be used: it must be one in PEM form")]
    Authority,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up for the mail server {host}: check mail.smtp.host")]
    Tls {
        /// The host.
        host: String,
        /// The TLS library's error.
        #[source]
        source: rustls::Error,
    },
    /// The password would be sent unencrypted.
    #[error(
        "mail.smtp.user is set but mail.smtp.tls is \"none\": the password would be readable on the way to {0}; use \"starttls\" or \"tls\""
    )]
    ClearPassword(String),
    /// `mail.smtp.hello` is not a name for EHLO.
    #[error(
        "mail.smtp.hello: {0:?} is not a host's name: write it such as \"backup-1.example.com\", or an address such as \"[192.0.2.7]\""
    )]
    Hello(String),
}

impl Smtp {
    /// Connects only for the first mail.
    pub fn new(settings: &SmtpSettings) -> Result<Self, SmtpSetupError> {
        let host = &settings.host;
        if settings.login.is_some() && settings.tls == TlsMode::None && !is_this_host(host) {
            return Err(SmtpSetupError::ClearPassword(host.clone()));
        }
        if let Some(name) = settings.hello.as_deref().filter(|name| !hello::may_greet(name)) {
            return Err(SmtpSetupError::Hello(printable(name, 80)));
        }
        let protection = match settings.tls {
            TlsMode::None => None,
            TlsMode::Starttls | TlsMode::Tls => Some(Protection::new(host, settings.ca_pem.as_deref())?),
        };
        let server = format!("{host}:{}", settings.port);
        Ok(Self { settings: settings.clone(), protection, server })
    }

    /// Checks login, sender and recipients, without sending a mail. The result has the recipients that are refused.
    pub async fn check(&self, addresses: &Addresses) -> Result<Delivery, PostError> {
        let mut connection = self.open().await?;
        let SmtpSettings { patience, patience_after_data, .. } = self.settings;
        let message = OutgoingMail { bytes: &[], from: &addresses.from.email, patience, patience_after_data };
        let tried = connection.try_recipients(&message, addresses.recipients()).await;
        connection.quit().await;
        tried.map_err(|failure| failure.of_server(&self.server))
    }

    /// Refused recipients do not keep others from getting it.
    pub(super) async fn send(&self, bytes: &[u8], from: &Address, to: Vec<Address>) -> Result<Delivery, PostError> {
        let mut connection = self.open().await?;
        let SmtpSettings { patience, patience_after_data, .. } = self.settings;
        let message = OutgoingMail { bytes, from, patience, patience_after_data };
        let delivery = connection.send(&message, to, &self.server).await?;
        connection.quit().await;
        Ok(delivery)
    }

    /// Permanent if every recipient was refused for good.
    pub(super) fn reached_nobody(&self, delivery: &Delivery) -> PostError {
        let message = printable(&format!("mail server {}: {}", self.server, delivery.not_reached()), RECEIPT_CHARS);
        if delivery.put_off.is_empty() { PostError::Refused(message) } else { PostError::Later(message) }
    }

    async fn open(&self) -> Result<Connection, PostError> {
        let opened = Connection::open(&self.settings, self.protection.as_ref()).await;
        opened.map_err(|failure| failure.of_server(&self.server))
    }
}

fn is_this_host(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
