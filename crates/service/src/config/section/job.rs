//! `[[job]]`

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strongroom_model::event::JobSchedule;
use strongroom_model::{HostName, JobName, TargetId};

use crate::config::value::{Period, Zone};
use crate::schedule::Window;

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

/// A backup job: what is copied, by which tool, when, and how the copy is proven.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobSection {
    /// Its name: lower-case letters, digits and hyphens. It is part of every event, so it stays.
    pub name: JobName,

    /// What does the work: `rsync`, `rclone`, `restic`, `robocopy`, `command`, `check`, `tasks`; or `plugin`, with the
    /// plugin's own program in `program`.
    pub kind: String,

    /// The plugin's program and its arguments, of `kind = "plugin"`. No shell reads them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub program: Vec<String>,

    /// What is copied: a folder, or what the kind takes in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,

    /// Where it is copied to: a folder in a target that `strongroom target init` set up, or what the kind takes in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,

    /// The identity that the target must have. Unset: the one that it has at the first run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,

    /// The host that does it, by its name up to the first dot. Unset: the one that reads this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostName>,

    /// How long after a run began the next one begins, such as `2h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Period>,

    /// The part of the day in which runs start, with `every`, such as `22:00-05:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub between: Option<Window>,

    /// The days on which runs start, with `every`, such as `["mon", "tue"]`. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,

    /// When runs start, as crontab(5) has it, such as `0 22 * * mon-fri`; instead of `every`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,

    /// The zone that the schedule is in. Unset: the site's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Zone>,

    /// How old the last proof of the whole copy may be, before an alarm says so.
    #[serde(default = "week")]
    pub max_age: Period,

    /// How often the copy is proven. Unset: after each run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prove: Option<Period>,

    /// How long to wait after the first failed attempt of a run, after the second, and so on; after the last, the run
    /// has failed. `[]`: one attempt. While something is in the way, such as a target that is not there, the last one
    /// holds for all that follow. Unset: as `[retry]` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Vec<Period>>,

    /// How many files one run may delete in the copy. Unset: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_delete: Option<u64>,

    /// How long the tool may say nothing before an alarm says so.
    #[serde(default = "quarter")]
    pub stall: Period,

    /// How long one run may take before it is ended.
    #[serde(default = "half_a_day")]
    pub timeout: Period,

    /// The files that hold the kind's passwords and keys, each by the secret's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secret_files: BTreeMap<String, PathBuf>,

    /// The kind's own settings: `strongroom plugin describe` prints what it takes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Value>,
}

fn week() -> Period {
    Period::from(std::time::Duration::from_secs(7 * 86_400))
}

fn quarter() -> Period {
    Period::from(std::time::Duration::from_secs(15 * 60))
}

fn half_a_day() -> Period {
    Period::from(std::time::Duration::from_secs(12 * 3600))
}

impl JobSection {
    /// The schedule, in the job's zone or the site's.
    #[must_use]
    pub fn schedule(&self, site_zone: &jiff::tz::TimeZone) -> JobSchedule {
        let zone = self
            .time_zone
            .as_ref()
            .map_or_else(|| site_zone.iana_name().unwrap_or("UTC").to_owned(), ToString::to_string);
        JobSchedule {
            between: self.between.map(|window| window.to_string()),
            cron: self.cron.clone(),
            days: self.days.iter().map(|day| *day as u8 + 1).collect(),
            every_s: self.every.map(|every| every.get().as_secs()),
            zone,
        }
    }
}

/// How jobs are done on this host.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct TransferSection {
    /// This host's name to other hosts' jobs. Unset: the system's, up to the first dot.
    pub host: Option<HostName>,

    /// How many jobs are done at once on this host.
    #[config(default = 2, validate(*concurrency >= 1 && *concurrency <= 64, "it must be from 1 to 64"))]
    pub concurrency: u32,

    /// How long a job's tool that is asked to end may take, before it is ended by a signal; and then, before
    /// it is killed.
    #[config(default = "20s")]
    pub patience: Period,

    /// How long the tools' own logs are kept in the data folder. What the event log says stays.
    #[config(default = "400d")]
    pub keep_logs: Period,
}
