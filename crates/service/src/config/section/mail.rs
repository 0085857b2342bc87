//! `[mail]`

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Config, SmtpSection};
use crate::config::ConfigError;
use crate::config::value::ClockTime;

/// When a summary is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SummaryMode {
    /// At the end of each of the schedule's windows; each day, where there is none.
    Window,
    /// After each run.
    Run,
    /// Each day at an hour.
    Daily,
}

/// Summaries and alarms.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct MailSection {
    /// Who the mails are from, such as `"Strongroom <strongroom@example.com>"`. Unset: the
    /// user `strongroom` at this host, which a mail server may refuse.
    pub from: Option<String>,

    /// Who gets them, such as `["office@example.com", "Ann <ann@example.com>"]`.
    #[config(default = [])]
    pub to: Vec<String>,

    /// When a summary is sent: "window" (at the end of each night that `schedule.between`
    /// describes; at midnight where it describes none), "run" (after each run) or "daily"
    /// (at the hour `at`). `strongroom run --once` always ends with one. Alarms never wait.
    #[config(default = "window")]
    pub summary: SummaryMode,

    /// The time of day for "daily", in `time_zone`.
    #[config(default = "07:00")]
    pub at: ClockTime,

    /// The folder that mails are written to as .eml files, where no mail server is
    /// configured. Unset: `mail` in `data_dir`.
    pub folder: Option<PathBuf>,

    /// The mail server. With a host, mails go there instead of to the folder.
    #[config(nested)]
    pub smtp: SmtpSection,
}

/// How mails are sent.
#[derive(Debug, Clone)]
pub enum Transport<'a> {
    /// As `.eml` files into this folder.
    Folder(PathBuf),
    /// To a mail server.
    Smtp {
        /// Its name.
        host: &'a str,
        /// Its other settings.
        settings: &'a SmtpSection,
    },
}

impl Config {
    /// How mails are sent.
    pub fn mail_transport(&self) -> Result<Transport<'_>, ConfigError> {
        let Some(host) = self.mail.smtp.host.as_deref() else {
            let folder = self.mail.folder.clone();
            return Ok(Transport::Folder(folder.unwrap_or_else(|| self.data_dir.join("mail"))));
        };
        if let Some(folder) = self.mail.folder.as_deref() {
            return Err(both_ways(folder));
        }
        if self.mail.to.is_empty() {
            return Err(ConfigError::Missing {
                key: "mail.to",
                purpose: "who gets the mails that go to the mail server",
                example: r#"to = ["office@example.com"]"#,
            });
        }
        Ok(Transport::Smtp { host, settings: &self.mail.smtp })
    }
}

fn both_ways(folder: &Path) -> ConfigError {
    ConfigError::Contradiction {
        first: "mail.folder",
        second: "mail.smtp.host",
        advice: format!("take away one of them: mails go either to the folder {} or to the server", folder.display()),
    }
}
