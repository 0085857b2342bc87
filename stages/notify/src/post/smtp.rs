//! Mails to a mail server (RFC 5321), over one pool of connections.

use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::response::Response;
use lettre::transport::smtp::{Error as SmtpError, PoolConfig};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use strongroom_model::text::printable;
use strongroom_service::config::{Secret, Tls as TlsMode};

use super::{PostError, RECEIPT_CHARS};
use crate::message::Addresses;

/// How long a connection may take to come up.
const CONNECT: Duration = Duration::from_secs(30);
/// How long a mail may take from the first word to the server's last, unless set: RFC 5321,
/// section 4.5.3.2 grants a server minutes for some answers. Other mails wait meanwhile, the
/// pipeline does not.
pub const HAND_OVER: Duration = Duration::from_secs(180);
/// How many connections there are at most: one sends, one may be left over from an attempt
/// that was given up.
const MOST_CONNECTIONS: u32 = 2;
/// How long an idle connection is kept: servers close theirs after about as long.
const IDLE: Duration = Duration::from_secs(60);

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
    /// How long a mail may take: [`HAND_OVER`].
    pub patience: Duration,
}

/// A mail server. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    server: String,
    patience: Duration,
}

/// Settings that make no connection.
#[derive(Debug, thiserror::Error)]
pub enum SmtpSetupError {
    /// The certificate authority's file holds no certificate.
    #[error("mail.smtp.ca_file holds no certificate that can be used: it must be one in PEM form")]
    Authority(#[source] SmtpError),
    /// TLS cannot be set up for that host.
    #[error("TLS cannot be set up for the mail server {host}: check mail.smtp.host")]
    Tls {
        /// The host.
        host: String,
        /// What lettre found.
        #[source]
        source: SmtpError,
    },
    /// A password would go over the wire in the clear.
    #[error(
        "mail.smtp.user is set but mail.smtp.tls is \"none\": the password would be readable on the way to {0}; use \"starttls\" or \"tls\""
    )]
    ClearPassword(String),
}

impl Smtp {
    /// Connects at the first mail, not now.
    ///
    /// # Errors
    /// The settings make no connection.
    ///
    /// # Panics
    /// It is not called within a tokio runtime: the pool of connections needs one.
    pub fn new(settings: &SmtpSettings) -> Result<Self, SmtpSetupError> {
        let host = &settings.host;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(settings.port)
            .tls(tls(settings)?)
            .timeout(Some(CONNECT))
            .pool_config(PoolConfig::new().max_size(MOST_CONNECTIONS).idle_timeout(IDLE));
        if let Some((user, password)) = &settings.login {
            if settings.tls == TlsMode::None && !is_this_host(host) {
                return Err(SmtpSetupError::ClearPassword(host.clone()));
            }
            builder = builder.credentials(Credentials::new(user.clone(), password.reveal().to_owned()));
        }
        Ok(Self {
            transport: builder.build(),
            server: format!("{host}:{}", settings.port),
            patience: settings.patience,
        })
    }

    /// Whether the server answers and takes the login, for `strongroom doctor`.
    ///
    /// # Errors
    /// It does not.
    pub async fn check(&self) -> Result<(), PostError> {
        match tokio::time::timeout(self.patience, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(PostError::Later(format!("mail server {}: it does not answer as one", self.server))),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    /// Hands the message over to all recipients at once. Where the server will not have
    /// some of them, the others still get it: one address that is gone must not keep the
    /// mail from everybody.
    pub(super) async fn send(&self, bytes: &[u8], addresses: &Addresses) -> Result<String, PostError> {
        let recipients = addresses.recipients();
        match self.hand_over(bytes, addresses, recipients.clone()).await {
            Ok(response) => Ok(receipt(&response)),
            Err(PostError::Refused(_)) if recipients.len() > 1 => self.one_by_one(bytes, addresses, recipients).await,
            Err(error) => Err(error),
        }
    }

    /// If we stop in between, those who had it get it again, with the same Message-ID.
    async fn one_by_one(&self, bytes: &[u8], addresses: &Addresses, to: Vec<Address>) -> Result<String, PostError> {
        let (mut taken, mut refused) = (None, Vec::new());
        for recipient in to {
            match self.hand_over(bytes, addresses, vec![recipient.clone()]).await {
                Ok(response) => taken = Some(receipt(&response)),
                Err(PostError::Refused(reason)) => refused.push(format!("{recipient} was refused: {reason}")),
                Err(error) if taken.is_none() => return Err(error),
                // It would be sent to the others again and again.
                Err(error) => refused.push(format!("{recipient} was not reached: {error}")),
            }
        }
        let refused = printable(&refused.join("; "), RECEIPT_CHARS);
        match taken {
            Some(receipt) => Ok(format!("{receipt}; but {refused}")),
            None => Err(PostError::Refused(refused)),
        }
    }

    async fn hand_over(&self, bytes: &[u8], addresses: &Addresses, to: Vec<Address>) -> Result<Response, PostError> {
        let envelope = addresses.envelope(to)?;
        // The transport's own limit is for connecting only: a server that goes silent later
        // would keep us for ever. Dropped, the connection is closed and not used again.
        match tokio::time::timeout(self.patience, self.transport.send_raw(&envelope, bytes)).await {
            Ok(sent) => sent.map_err(|error| self.failed(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    fn silent(&self) -> PostError {
        let seconds = self.patience.as_secs();
        PostError::Later(format!("mail server {}: it did not finish answering within {seconds} s", self.server))
    }

    /// A 5xx reply is for good; all else may pass.
    fn failed(&self, error: &SmtpError) -> PostError {
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            reason = format!("{reason}: {inner}");
            source = inner.source();
        }
        let message = printable(&format!("mail server {}: {reason}", self.server), RECEIPT_CHARS);
        if error.is_permanent() { PostError::Refused(message) } else { PostError::Later(message) }
    }
}

fn tls(settings: &SmtpSettings) -> Result<Tls, SmtpSetupError> {
    let host = &settings.host;
    if settings.tls == TlsMode::None {
        return Ok(Tls::None);
    }
    let mut parameters = TlsParameters::builder(host.clone());
    if let Some(pem) = &settings.ca_pem {
        let authority = Certificate::from_pem(pem).map_err(SmtpSetupError::Authority)?;
        parameters = parameters.certificate_store(CertificateStore::None).add_root_certificate(authority);
    }
    let parameters = parameters.build().map_err(|source| match settings.ca_pem {
        Some(_) => SmtpSetupError::Authority(source),
        None => SmtpSetupError::Tls { host: host.clone(), source },
    })?;
    Ok(match settings.tls {
        TlsMode::Starttls => Tls::Required(parameters),
        TlsMode::Tls => Tls::Wrapper(parameters),
        TlsMode::None => Tls::None,
    })
}

fn is_this_host(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The server's own words: `250 2.0.0 Ok: queued as 4F1`.
fn receipt(response: &Response) -> String {
    let words: Vec<&str> = response.message().collect();
    printable(&format!("{} {}", response.code(), words.join(" ")), RECEIPT_CHARS)
}
