mod archive;
mod broker;
mod drive;
mod enumerate;
mod fetch;
mod health;
mod log;
mod mail;
mod retry;
mod runs;
mod server;
mod smtp;
mod source;
mod telemetry;
mod verify;
mod watch;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;
use strongroom_model::SiteId;

pub use self::archive::Archive;
pub use self::broker::Broker;
pub use self::drive::Drive;
pub use self::enumerate::Enumerate;
pub use self::fetch::Fetch;
pub use self::health::Health;
pub use self::log::Log;
pub use self::mail::{Mail, SummaryMode, Transport};
pub use self::retry::Retry;
pub use self::runs::Runs;
pub use self::server::Server;
pub use self::smtp::{Smtp, Tls};
pub use self::source::Source;
pub use self::telemetry::{DEFAULT_LEVEL, LogFormat, Telemetry};
pub use self::verify::{Require, Verify};
use self::watch::Watch;
use super::value::Zone;

/// The configuration of Strongroom: `strongroom config` writes this file and checks it.
///
/// A line that starts with a single # shows a default, or an example of a key that is unset
/// by default: take the # away to change it.
/// Sizes are written 512KiB, 20MiB or 2GiB, times 30s, 2m, 1h30m or 7d. A relative path
/// is relative to this file's folder.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
#[schemars(title = "strongroom.toml")]
pub struct Config {
    /// The name of the site: one client's document server and all that is recorded about
    /// it. Lower-case letters, digits and hyphens. It is part of every event, so it stays.
    #[config(default = "main")]
    pub site: SiteId,

    /// The folder for what this host keeps of the site: the log, the server's records and
    /// mails that are written to a folder. It belongs on a disk of its own, not on the drive.
    #[config(default = "data")]
    pub data_dir: PathBuf,

    /// The time zone that nights, months and mails go by, such as "Europe/Berlin".
    /// Unset: the host's.
    pub time_zone: Option<Zone>,

    /// The event log: the truth about everything.
    #[config(nested)]
    pub log: Log,

    /// The message broker, where each stage runs in processes of its own.
    #[config(nested)]
    pub broker: Broker,

    /// The document server whose files are taken away.
    #[config(nested)]
    pub source: Source,

    /// The backup drive that the files go to.
    #[config(nested)]
    pub drive: Drive,

    /// Which bookings a run takes.
    #[config(nested)]
    pub enumerate: Enumerate,

    /// How files are brought onto the drive.
    #[config(nested)]
    pub fetch: Fetch,

    /// How copies are read back and compared.
    #[config(nested)]
    pub verify: Verify,

    /// How bookings are marked and moved on the server.
    #[config(nested)]
    pub archive: Archive,

    /// What happens after a failure that may pass.
    #[config(nested)]
    pub retry: Retry,

    /// When runs start.
    #[config(nested)]
    pub schedule: Runs,

    /// Summaries and alarms.
    #[config(nested)]
    pub mail: Mail,

    /// The document server itself, where `strongroom server` runs on this host.
    #[config(nested)]
    pub server: Server,

    /// How soon a person hears of what is missing.
    #[config(nested)]
    pub watch: Watch,

    /// Where a process reports its health.
    #[config(nested)]
    pub health: Health,

    /// What this program says about itself while it works.
    #[config(nested)]
    pub telemetry: Telemetry,
}

impl Config {
    /// The zone of nights, months and mails.
    #[must_use]
    pub fn zone(&self) -> jiff::tz::TimeZone {
        self.time_zone.as_ref().map_or_else(jiff::tz::TimeZone::system, Zone::time_zone)
    }

    /// The log's file, unless it is [in a database](Log::database).
    #[must_use]
    pub fn log_path(&self) -> PathBuf {
        self.log.path.clone().unwrap_or_else(|| self.data_dir.join("log.sqlite"))
    }

    /// The document server's records, unless they are [in a database](Server::database_address).
    #[must_use]
    pub fn database_path(&self) -> PathBuf {
        self.server.database.clone().unwrap_or_else(|| self.data_dir.join("server.sqlite"))
    }

    /// The file of the site's run lock.
    #[must_use]
    pub fn run_lock_path(&self) -> PathBuf {
        self.data_dir.join("run.lock")
    }

    /// When runs are due.
    #[must_use]
    pub fn schedule(&self) -> crate::schedule::Schedule {
        crate::schedule::Schedule {
            every: self.schedule.every.get(),
            between: self.schedule.between,
            zone: self.zone(),
        }
    }
}
