//! The settings of a job of the kind `tasks`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;
use strongroom_plugin::protocol::Problem;
use strongroom_tasks::text::CodePage;

use super::terms::{TABLES_VERSION, Terms};
use crate::config::problem;

/// The settings of a job of the kind `tasks`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// A folder of collected files; without it, the tasks of this host.
    #[serde(default)]
    pub(super) source: Option<PathBuf>,
    /// The folder that gets a folder for each host, and in it a bag for each day.
    pub(super) target: PathBuf,
    /// On Linux: where this host's file system begins, `/` by default; a container's, for example.
    #[serde(default)]
    root: Option<PathBuf>,
    /// The host's name, if its files do not state it.
    #[serde(default)]
    host: Option<String>,
    /// The host's zone, `Europe/Berlin`, if its files do not state it.
    #[serde(default)]
    zone: Option<String>,
    /// The code page of its consoles, 850 say, for listings that do not state it.
    #[serde(default)]
    code_page: Option<u16>,
    /// Whether copies of scripts are kept. They may hold passwords.
    #[serde(default = "yes")]
    pub(super) scripts: bool,
    /// Codes besides 0 that count as success, by the task's path.
    #[serde(default)]
    success: BTreeMap<String, Vec<u32>>,
    /// Tasks that raise no alert, by path, and why.
    #[serde(default)]
    quiet: BTreeMap<String, String>,
    /// Tasks that must start at least once in so many hours, by path, whatever their triggers.
    #[serde(default)]
    at_least_every_hours: BTreeMap<String, u32>,
    /// How late a task may be, in minutes; 15 by default, and never more than half of its period.
    #[serde(default)]
    grace_minutes: Option<u32>,
    /// On Windows: PowerShell 5.1 or 7, which collects this host's tasks.
    #[serde(default)]
    pub(super) powershell: Option<String>,
}

const fn yes() -> bool {
    true
}

/// Where the tasks come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum From {
    /// A folder of collected files.
    Folder(PathBuf),
    /// This Linux host.
    Linux(PathBuf),
    /// This Windows host, by that PowerShell.
    Windows(String),
}

impl Settings {
    pub(super) fn from(&self) -> From {
        match (&self.source, &self.powershell) {
            (Some(folder), _) => From::Folder(folder.clone()),
            (None, Some(powershell)) => From::Windows(powershell.clone()),
            (None, None) if cfg!(windows) => From::Windows("powershell".to_owned()),
            (None, None) => From::Linux(self.root.clone().unwrap_or_else(|| PathBuf::from("/"))),
        }
    }

    pub(super) fn terms(&self) -> Terms {
        Terms {
            host: self.host.clone(),
            zone: self.zone.clone(),
            code_page: self.code_page,
            grace_minutes: self.grace_minutes,
            success: self.success.clone(),
            quiet: self.quiet.clone(),
            at_least_every_hours: self.at_least_every_hours.clone(),
            tables_version: TABLES_VERSION,
            ..Terms::default()
        }
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(zone) = self.zone.as_ref().filter(|zone| TimeZone::get(zone).is_err()) {
            let zone = strongroom_model::text::printable(zone, 100);
            problems.push(problem("/zone", format!("the zone {zone} is not known"), "name one such as Europe/Berlin"));
        }
        if let Some(page) = self.code_page.filter(|page| CodePage::new(*page).is_none()) {
            let message = format!("the code page {page} is not known");
            problems.push(problem("/code_page", message, "name the one that `chcp` prints on the host"));
        }
        if !self.target.is_absolute() {
            problems.push(problem("/target", "the target must be an absolute path", "begin it with /"));
        }
        problems
    }
}
