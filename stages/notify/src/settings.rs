use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use lettre::message::Mailbox;
use strongroom_model::text::printable;
use strongroom_service::config::Transport;
use strongroom_service::{Config, ConfigError};

use crate::message::Addresses;
use crate::post::smtp::hello::is_host_name;
use crate::post::{Folder, PATIENCE, PATIENCE_AFTER_DATA, Post, Smtp, SmtpSettings, SmtpSetupError};

/// How mails are sent.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Sender and recipients.
    pub addresses: Addresses,
    /// Where mails are delivered.
    pub post: Post,
    /// The time zone of times in mails.
    pub zone: TimeZone,
    /// How long after its time a job's run may start.
    pub job_grace: Duration,
}

/// Unusable settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The configuration is incomplete or wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A text is not an address.
    #[error("{key}: {text:?} is not an address: write it such as \"office@example.com\" or \"Ann <ann@example.com>\"")]
    Address {
        /// The key.
        key: &'static str,
        /// The text, printable and shortened.
        text: String,
        /// What is wrong.
        #[source]
        source: lettre::address::AddressError,
    },
    /// The authority's file cannot be read.
    #[error("cannot read {path}, which mail.smtp.ca_file names", path = path.display())]
    AuthorityFile {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
    /// The mail server cannot be set up.
    #[error(transparent)]
    Smtp(#[from] SmtpSetupError),
}

impl Settings {
    /// From the configuration, without connecting.
    pub fn from_config(config: &Config) -> Result<Self, SettingsError> {
        Ok(Self {
            addresses: addresses(config)?,
            post: post(config)?,
            zone: config.zone(),
            job_grace: config.watch.job_grace.get(),
        })
    }
}

fn addresses(config: &Config) -> Result<Addresses, SettingsError> {
    // Mail servers refuse senders at a host without a DNS name.
    let host = Some(strongroom_service::actor::host_name()).filter(|host| is_host_name(host));
    let host = host.unwrap_or_else(|| "localhost".to_owned());
    let own = || format!("Strongroom <strongroom@{host}>").parse().or_else(|_| "strongroom@localhost".parse());
    let from = match &config.mail.from {
        Some(text) => address("mail.from", text)?,
        None => own().map_err(|source| SettingsError::Address { key: "mail.from", text: host.clone(), source })?,
    };
    let mut to = config.mail.to.iter().map(|text| address("mail.to", text)).collect::<Result<Vec<_>, _>>()?;
    if to.is_empty() {
        // Only for a folder: a mail needs a recipient.
        to.push(from.clone());
    }
    Ok(Addresses { from, to })
}

fn address(key: &'static str, text: &str) -> Result<Mailbox, SettingsError> {
    text.parse().map_err(|source| SettingsError::Address { key, text: printable(text, 80), source })
}

fn post(config: &Config) -> Result<Post, SettingsError> {
    let (host, smtp) = match config.mail_transport()? {
        Transport::Folder(path) => return Ok(Post::Folder(Folder::new(path))),
        Transport::Smtp { host, settings } => (host, settings),
    };
    let ca_pem = match &smtp.ca_file {
        Some(path) => {
            Some(std::fs::read(path).map_err(|source| SettingsError::AuthorityFile { path: path.clone(), source })?)
        }
        None => None,
    };
    let settings = SmtpSettings {
        host: host.to_owned(),
        port: smtp.port(),
        tls: smtp.tls,
        login: smtp.login()?.map(|(user, password)| (user.to_owned(), password)),
        ca_pem,
        hello: smtp.hello.clone(),
        patience: PATIENCE,
        patience_after_data: PATIENCE_AFTER_DATA,
    };
    Ok(Post::Smtp(Smtp::new(&settings)?))
}
