//! `[mail.smtp]`

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::config::value::{Secret, port};

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// It begins plain and must change to TLS before anything is said (RFC 3207).
    Starttls,
    /// It is TLS from the first byte (RFC 8314).
    Tls,
    /// It is not: for a mail server on this host or in the same closed network.
    None,
}

impl Tls {
    /// The usual port.
    pub(crate) const fn usual_port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// The mail server. With a host, mails go there instead of to the folder.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct SmtpSection {
    /// Its name, such as "mail.example.com".
    pub host: Option<String>,

    /// Its port. Unset: 587 for "starttls", 465 for "tls", 25 for "none".
    #[config(deserialize_with = port)]
    pub port: Option<u16>,

    /// How the connection is protected: "starttls" (plain first, then TLS, or nothing is
    /// sent), "tls" (from the first byte) or "none" (only within one host or a closed
    /// network).
    #[config(default = "starttls")]
    pub tls: Tls,

    /// The user to log in as. Unset: no login.
    pub user: Option<String>,

    /// The user's password. Better kept in a file of its own (`password_file`) or in the
    /// environment.
    pub password: Option<Secret>,

    /// The file that holds the password and nothing else, readable by this program's user
    /// only.
    pub password_file: Option<PathBuf>,

    /// The name that the mail server is greeted with (EHLO), such as "backup-1.example.com". Unset: this host's full
    /// name; where it has none, its address in brackets. Many servers refuse a name without a dot.
    pub hello: Option<String>,

    /// A certificate authority (PEM file) to trust instead of the host's own.
    pub ca_file: Option<PathBuf>,
}

impl SmtpSection {
    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(self.tls.usual_port())
    }

    /// User and password, if there is a user.
    pub fn login(&self) -> Result<Option<(&str, Secret)>, ConfigError> {
        let Some(user) = self.user.as_deref() else {
            return Ok(None);
        };
        let password = Secret::choose("mail.smtp.password", self.password.as_ref(), self.password_file.as_deref())?;
        let password = password.ok_or(ConfigError::Missing {
            key: "mail.smtp.password",
            purpose: "the password of the user that mail.smtp.user names",
            example: r#"password_file = "smtp.password", or STRONGROOM_MAIL_SMTP_PASSWORD in the environment"#,
        })?;
        Ok(Some((user, password)))
    }
}
