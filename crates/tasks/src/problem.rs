//! What a file is, what was read from it, and what could not be.

use serde::Serialize;

use crate::schtasks::StatusRow;
use crate::task::Task;
use crate::text::TextError;
use crate::xml::{MAX_XML_DEPTH, MAX_XML_NODES};

/// What a file was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One task, as the Task Scheduler exports it.
    TaskXml,
    /// Several tasks, as `schtasks /query /xml` prints them.
    TaskDump,
    /// Another or a damaged XML.
    Xml,
    /// `schtasks /query /fo csv /v`.
    SchtasksCsv,
    /// `schtasks /query /fo csv`: three columns.
    SchtasksShortCsv,
    /// `schtasks /query`.
    SchtasksTable,
    /// `schtasks /query /fo list`.
    SchtasksList,
    /// What `Get-ScheduledTaskInfo` prints.
    TaskInfo,
    /// Group Policy Preferences.
    GroupPolicy,
    /// `Export-Clixml` of PowerShell.
    Clixml,
    /// A `.job` of Windows XP.
    Job,
    /// A crontab.
    Crontab,
    /// An anacrontab.
    Anacrontab,
    /// Unit files of systemd.
    Units,
    /// None of these.
    Unknown,
}

/// What could not be read. Each names the thing and the next step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not text.
    #[error(transparent)]
    Text(#[from] TextError),
    /// Nothing in it.
    #[error("is empty")]
    Empty,
    /// A document type could make entities grow without end.
    #[error("has a document type, which a task definition never has; it is not read")]
    DocumentType,
    /// Above [`MAX_XML_DEPTH`].
    #[error("nests elements more than {MAX_XML_DEPTH} deep; it is not read")]
    TooDeep,
    /// Above [`MAX_XML_NODES`].
    #[error("has more than {MAX_XML_NODES} elements; it is not read")]
    TooManyElements,
    /// Not well-formed.
    #[error("{task} is cut off or not well-formed XML ({problem}); export it again")]
    Damaged {
        /// Its path, or its place.
        task: String,
        /// What the parser says, with line and column.
        problem: String,
    },
    /// Not a manifest.
    #[error("is not a manifest of collected tasks: {0}; collect again")]
    Manifest(String),
    /// The manifest lists a file that is not there.
    #[error("is listed in the manifest and is not in the collection; collect again")]
    Missing,
    /// The manifest lists another digest.
    #[error("is not the file that the manifest lists: its SHA-256 is another")]
    Changed,
    /// The same task twice, with different definitions.
    #[error("defines {0}, which another file defines differently; the first counts")]
    Twice(String),
    /// A path that leads elsewhere: it comes from the definition's URI or from a manifest.
    #[error("has a task with the path {0}, of which a part is empty, `.` or `..`; it is not restored")]
    Path(String),
    /// The same task in two listings that differ.
    #[error("lists {0}, of which another listing says something else; the first counts")]
    ListedTwice(String),
    /// The collector could not read it.
    #[error("could not be read on the host: {message}{code}", code = code.map(|code| format!(" (0x{code:08X})")).unwrap_or_default())]
    Unreadable {
        /// What the host said.
        message: String,
        /// Its code.
        code: Option<u32>,
    },
    /// Not the JSON that `systemctl list-timers -o json` prints.
    #[error("is not a list of timers as JSON: {0}; collect it with `systemctl list-timers --all -o json`")]
    TimersJson(String),
    /// Well-formed, but something else.
    #[error("is XML with the root element {0:?}, not a task definition")]
    OtherRoot(String),
    /// Group Policy Preferences.
    #[error(
        "is a ScheduledTasks.xml of Group Policy Preferences, not an export; export the tasks of a host that the policy made them on"
    )]
    GroupPolicy,
    /// `Export-Clixml`.
    #[error("is a PowerShell object (Export-Clixml), not an export; use Export-ScheduledTask or collect.ps1")]
    Clixml,
    /// A `.job`.
    #[error(
        "is a .job file of Windows XP or Server 2003, which is not read; export the task as XML on a newer Windows"
    )]
    Job,
    /// None of the known formats.
    #[error("is neither a task definition nor a listing of tasks that is known here")]
    Unknown,
    /// `INFO: There are no scheduled tasks presently available at your access level.`
    #[error(
        "lists no tasks for {0}: schtasks says the same of an empty folder and of one that the account may not read; list it as an administrator"
    )]
    NothingVisible(String),
    /// A script among crontabs, as in `/etc/cron.daily`.
    #[error("is a script, not a crontab")]
    Script,
    /// Columns that are not those of schtasks.
    #[error("is a listing that cannot be read safely ({0}); use schtasks /query /fo csv /v, or collect.ps1")]
    Lossy(&'static str),
    /// A row that is not one of the format.
    #[error("line {line} cannot be read: {problem}")]
    Row {
        /// From 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
}

/// What was read from one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What it was found to be.
    pub format: Format,
    /// Tasks, in the file's order.
    pub tasks: Vec<Task>,
    /// What listings say of tasks.
    pub statuses: Vec<StatusRow>,
    /// What could not be read. With none, everything was.
    pub problems: Vec<Problem>,
}

impl Reading {
    pub(crate) const fn new(format: Format) -> Self {
        Self { format, tasks: Vec::new(), statuses: Vec::new(), problems: Vec::new() }
    }

    pub(crate) fn failed(format: Format, problem: Problem) -> Self {
        Self { problems: vec![problem], ..Self::new(format) }
    }
}
