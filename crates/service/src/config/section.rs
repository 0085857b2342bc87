mod broker;
mod custody;
mod drive;
mod health;
mod job;
mod log;
mod mail;
mod retry;
mod runs;
mod server;
mod smtp;
mod source;
mod stages;
mod telemetry;
mod watch;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;
use strongroom_model::{HostName, SiteId};

use self::broker::BrokerSection;
use self::custody::CustodySection;
use self::drive::DriveSection;
use self::health::HealthSection;
use self::job::TransferSection;
pub use self::job::{Day, JobSection};
use self::log::LogSection;
use self::mail::MailSection;
pub use self::mail::{SummaryMode, Transport};
use self::retry::RetrySection;
use self::runs::ScheduleSection;
use self::server::ServerSection;
use self::smtp::SmtpSection;
pub use self::smtp::Tls;
use self::source::SourceSection;
pub use self::stages::Require;
use self::stages::{ArchiveSection, EnumerateSection, FetchSection, VerifySection};
pub use self::telemetry::{DEFAULT_LEVEL, LogFormat, Telemetry};
use self::watch::WatchSection;
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

    /// Backup jobs of any kind: each has a section `[[job]]` of its own, as shown at the end.
    #[config(default = [])]
    pub job: Vec<JobSection>,

    /// The event log: the truth about everything.
    #[config(nested)]
    pub log: LogSection,

    /// The message broker, where each stage runs in processes of its own.
    #[config(nested)]
    pub broker: BrokerSection,

    /// The document server whose files are taken away.
    #[config(nested)]
    pub source: SourceSection,

    /// The backup drive that the files go to.
    #[config(nested)]
    pub drive: DriveSection,

    /// Which bookings a run claims.
    #[config(nested)]
    pub enumerate: EnumerateSection,

    /// How files are brought onto the drive.
    #[config(nested)]
    pub fetch: FetchSection,

    /// How copies are read back and compared.
    #[config(nested)]
    pub verify: VerifySection,

    /// How bookings are marked and moved on the server.
    #[config(nested)]
    pub archive: ArchiveSection,

    /// How drives are looked after.
    #[config(nested)]
    pub custody: CustodySection,

    /// How jobs are done on this host.
    #[config(nested)]
    pub transfer: TransferSection,

    /// What happens after a failure that may pass.
    #[config(nested)]
    pub retry: RetrySection,

    /// When runs start.
    #[config(nested)]
    pub schedule: ScheduleSection,

    /// Summaries and alarms.
    #[config(nested)]
    pub mail: MailSection,

    /// The document server itself, where `strongroom server` runs on this host.
    #[config(nested)]
    pub server: ServerSection,

    /// How soon a person hears of what is missing.
    #[config(nested)]
    pub watch: WatchSection,

    /// Where a process reports its health.
    #[config(nested)]
    pub health: HealthSection,

    /// What this program says about itself while it works.
    #[config(nested)]
    pub telemetry: Telemetry,
}

impl Config {
    /// The zone of nights, months and mails.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        self.time_zone.as_ref().map_or_else(jiff::tz::TimeZone::system, Zone::time_zone)
    }

    /// The log's file, unless it is in a database.
    pub fn log_path(&self) -> PathBuf {
        self.log.path.clone().unwrap_or_else(|| self.data_dir.join("log.sqlite"))
    }

    /// The file with the site's private key.
    #[must_use]
    pub fn key_path(&self) -> PathBuf {
        self.log.key_file.clone().unwrap_or_else(|| self.data_dir.join(format!("key.{}", self.site)))
    }

    /// The document server's records, unless they are in a database.
    pub fn database_path(&self) -> PathBuf {
        self.server.database.clone().unwrap_or_else(|| self.data_dir.join("server.sqlite"))
    }

    /// The file of the site's run lock.
    pub fn run_lock_path(&self) -> PathBuf {
        self.data_dir.join("run.lock")
    }

    /// This host's name in jobs.
    #[must_use]
    pub fn host(&self) -> HostName {
        self.transfer.host.clone().unwrap_or_else(|| HostName::of_system(&crate::actor::host_name()))
    }

    /// The jobs that this host does.
    pub fn own_jobs(&self) -> impl Iterator<Item = &JobSection> {
        let host = self.host();
        self.job.iter().filter(move |job| job.host.as_ref().is_none_or(|its| *its == host))
    }

    /// When runs are due.
    pub fn schedule(&self) -> crate::schedule::Schedule {
        crate::schedule::Schedule {
            every: self.schedule.every.get(),
            between: self.schedule.between,
            days: Vec::new(),
            zone: self.zone(),
        }
    }
}
