//! Mails to a mail server (RFC 5321), over a connection for each mail.
//!
//! The dialogue is our own ([decision 16](../../../../docs/decisions/0016-our-own-smtp-dialogue.md)): what counts is
//! the reply's code for each recipient, whatever the words around it are written in.

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
use self::transaction::Message;
use super::{Delivery, PostError, RECEIPT_CHARS};
use crate::message::Addresses;

/// How long a server may take for all but its answer to the message, unless set: RFC 5321, section 4.5.3.2 grants it
/// minutes for some answers. Other mails wait meanwhile, the pipeline does not.
pub const PATIENCE: Duration = Duration::from_secs(180);
/// How long a server may take for its answer to the message, unless set (RFC 5321, section 4.5.3.2.6): it may scan the
/// mail first, and whoever gives up early sends it twice.
pub const PATIENCE_AFTER_DATA: Duration = Duration::from_secs(600);

/// What is needed to reach a mail server.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// Its name: what its certificate must be of.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: TlsMode,
    /// The user and password to log in with.
    pub login: Option<(String, Secret)>,
    /// A certificate authority to trust instead of the host's own (PEM).
    pub ca_pem: Option<Vec<u8>>,
    /// The name that it is greeted with; absent: this host's full name, or its address.
    pub hello: Option<String>,
    /// How long it may take: [`PATIENCE`].
    pub patience: Duration,
    /// How long it may take to answer the message itself: [`PATIENCE_AFTER_DATA`].
    pub patience_after_data: Duration,
}

/// A mail server.
#[derive(Debug, Clone)]
pub struct Smtp {
    settings: SmtpSettings,
    protection: Option<Protection>,
    server: String,
}

/// Settings that make no connection.
#[derive(Debug, thiserror::Error)]
pub enum SmtpSetupError {
    /// The certificate authority's file holds no certificate.
    #[error("mail.smtp.ca_file holds no certificate that can be used: it must be one in PEM form")]
    Authority,
    /// TLS cannot be set up for that host.
    #[error("TLS cannot be set up for the mail server {host}: check mail.smtp.host")]
    Tls {
        /// The host.
        host: String,
        /// What the TLS library found.
        #[source]
        source: rustls::Error,
    },
    /// A password would go over the wire in the clear.
    #[error(
        "mail.smtp.user is set but mail.smtp.tls is \"none\": the password would be readable on the way to {0}; use \"starttls\" or \"tls\""
    )]
    ClearPassword(String),
    /// The name to greet with would not be taken by any server.
    #[error(
        "mail.smtp.hello: {0:?} is not a host's name: write it such as \"backup-1.example.com\", or an address such as \"[192.0.2.7]\""
    )]
    Hello(String),
}

impl Smtp {
    /// Connects at the first mail, not now.
    ///
    /// # Errors
    /// The settings make no connection.
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

    /// Whether the server answers and takes the login, the sender and the recipients, for `strongroom doctor`. No
    /// mail is sent. Whom it does not take is in the result.
    ///
    /// # Errors
    /// It does not answer, or takes neither login nor sender.
    pub async fn check(&self, addresses: &Addresses) -> Result<Delivery, PostError> {
        let mut connection = self.open().await?;
        let SmtpSettings { patience, patience_after_data, .. } = self.settings;
        let message = Message { bytes: &[], from: &addresses.from.email, patience, patience_after_data };
        let tried = connection.try_recipients(&message, addresses.recipients()).await;
        connection.quit().await;
        tried.map_err(|failure| failure.of_server(&self.server))
    }

    /// Hands the message over to each of the recipients. Whom the server does not take keeps nobody else from
    /// getting it.
    pub(super) async fn send(&self, bytes: &[u8], from: &Address, to: Vec<Address>) -> Result<Delivery, PostError> {
        let mut connection = self.open().await?;
        let SmtpSettings { patience, patience_after_data, .. } = self.settings;
        let message = Message { bytes, from, patience, patience_after_data };
        let delivery = connection.send(&message, to, &self.server).await?;
        connection.quit().await;
        Ok(delivery)
    }

    /// The failure of a mail that no recipient was taken for: for good, where each was refused for good.
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
