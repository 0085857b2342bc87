//! Alarms about files that this log does not know, one per month's folder.

use std::collections::BTreeSet;

use strongroom_bus::{AlarmError, Alarms};
use strongroom_drive::{Drive, Unlisted};
use strongroom_eventlog::EventLog;
use strongroom_model::event::{AlarmKey, AlarmRaised};
use strongroom_model::text::printable;
use strongroom_model::{AlarmKind, Month, SubjectKind};

use crate::drive_check::DriveCheckError;

const MAX_NAMED: usize = 5;
const NAME_CHARS: usize = 60;
/// How many of the newest alarms are searched for this drive's.
const MAX_ALARMS: usize = 4096;

#[derive(Debug, Clone)]
pub(crate) struct UnknownFiles {
    log: EventLog,
    alarms: Alarms,
    drive: Drive,
}

#[derive(Debug, Default)]
pub(crate) struct Salvaged {
    /// Listed again.
    pub(crate) listed: usize,
    /// Unreadable, or different from what the quarantined manifest lists.
    pub(crate) refused: usize,
    /// Paths that stay unlisted.
    pub(crate) left: Vec<String>,
}

impl UnknownFiles {
    pub(crate) fn new(log: &EventLog, alarms: &Alarms, drive: &Drive) -> Self {
        Self { log: log.clone(), alarms: alarms.clone(), drive: drive.clone() }
    }

    /// Ends the alarms about all months but these.
    pub(crate) async fn end_all_but(&self, months: &BTreeSet<Month>) -> Result<(), DriveCheckError> {
        let ours = format!("{}.", AlarmKey::new(AlarmKind::FilesUnknown, self.drive.identity().id));
        let raised_once = self.log.newest(SubjectKind::Alarm, MAX_ALARMS).await?;
        let of_months = raised_once.iter().filter_map(|head| head.stream.id().strip_prefix(&ours)?.parse().ok());
        for month in of_months.filter(|month| !months.contains(month)) {
            self.over(month, "no such file is left there").await?;
        }
        Ok(())
    }

    /// Raises a month's alarm before its files are read back, unless it is raised already.
    pub(crate) async fn reading_back(&self, month: Month, files: &[Unlisted]) -> Result<(), AlarmError> {
        let listed = files.iter().filter(|file| !file.listed_as.is_empty()).count();
        let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
        let what = format!(
            "drive “{}” holds {} of {month} that this log does not know and no manifest lists; a damaged manifest, which was \
             kept, still lists {listed} of them, which are read back now: {}",
            self.drive.identity().label,
            count(files.len()),
            named(&paths),
        );
        self.alarms.raise(&self.alarm(month, what), None).await.map(drop)
    }

    /// Renews or ends a month's alarm.
    pub(crate) async fn settled(&self, month: Month, salvaged: &Salvaged) -> Result<(), AlarmError> {
        let Salvaged { listed, refused, left } = salvaged;
        let listed = match listed {
            0 => String::new(),
            listed => format!("{} read back as a damaged manifest lists them, and listed again", count(*listed)),
        };
        if left.is_empty() {
            return self.over(month, if listed.is_empty() { "no such file is left there" } else { &listed }).await;
        }
        let refused = match refused {
            0 => String::new(),
            refused => format!(" ({refused} of them not read back as a damaged manifest lists them)"),
        };
        let what = format!(
            "drive “{}” holds {} of {month} that this log does not know and no manifest lists{refused}; a log that was lost may \
             have proven them: {}",
            self.drive.identity().label,
            count(left.len()),
            named(&left.iter().map(String::as_str).collect::<Vec<_>>()),
        );
        let over = if listed.is_empty() { "it is reported anew with what is there now" } else { &listed };
        self.alarms.renew(&self.alarm(month, what), over, None).await.map(drop)
    }

    async fn over(&self, month: Month, what: &str) -> Result<(), AlarmError> {
        let message = format!("{month} on drive “{}”: {what}", self.drive.identity().label);
        self.alarms.clear(&self.key(month), &message, None).await.map(drop)
    }

    fn key(&self, month: Month) -> AlarmKey {
        AlarmKey::new(AlarmKind::FilesUnknown, format!("{}.{month}", self.drive.identity().id))
    }

    fn alarm(&self, month: Month, message: String) -> AlarmRaised {
        let key = self.key(month);
        AlarmRaised { kind: key.kind, subject: key.subject, message, next_step: key.kind.step().to_owned() }
    }
}

fn count(files: usize) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}

fn named(paths: &[&str]) -> String {
    let mut names: Vec<_> = paths.iter().take(MAX_NAMED).map(|path| printable(path, NAME_CHARS)).collect();
    if paths.len() > MAX_NAMED {
        names.push("…".to_owned());
    }
    names.join(", ")
}
