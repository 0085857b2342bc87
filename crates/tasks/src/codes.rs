//! What a task's last result means. A result is one number in which the scheduler's own codes, Windows' errors, a
//! process's fate and the exit codes of any program are mixed; which of these it is decides what it means.

mod scheduler;
mod system;
#[cfg(test)]
mod tests;
mod win32;

use serde::Serialize;

/// How a run, or the lack of one, is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It ended well.
    Ok,
    /// It runs.
    Running,
    /// It waits for another instance.
    Queued,
    /// It has never run.
    NotYetRun,
    /// It ran, and will not run again.
    NoMoreRuns,
    /// It is switched off.
    Disabled,
    /// It was held back: nobody was logged on.
    Held,
    /// It was refused: conditions, or an instance that was running.
    Refused,
    /// A user, a time limit, a logoff or a shutdown ended it.
    Terminated,
    /// The program crashed.
    Crashed,
    /// It failed.
    Failed,
    /// It cannot run as it is defined.
    Misconfigured,
    /// The code fits several readings.
    Unclear,
    /// The code was not read.
    Unread,
}

impl Outcome {
    /// As tables name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Running => "running",
            Self::Queued => "queued",
            Self::NotYetRun => "not-yet-run",
            Self::NoMoreRuns => "no-more-runs",
            Self::Disabled => "disabled",
            Self::Held => "held",
            Self::Refused => "refused",
            Self::Terminated => "terminated",
            Self::Crashed => "crashed",
            Self::Failed => "failed",
            Self::Misconfigured => "misconfigured",
            Self::Unclear => "unclear",
            Self::Unread => "unread",
        }
    }

    /// As a sentence has it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotYetRun => "has not run yet",
            Self::NoMoreRuns => "does not run again",
            Self::Disabled => "switched off",
            Self::Held => "held back",
            Self::Unread => "its last result is not known",
            _ => self.name(),
        }
    }

    /// Whether somebody has to look.
    #[must_use]
    pub const fn is_bad(self) -> bool {
        matches!(
            self,
            Self::Held | Self::Refused | Self::Terminated | Self::Crashed | Self::Failed | Self::Misconfigured
        )
    }
}

/// Who produced a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The Task Scheduler, or what it uses to start the program.
    Scheduler,
    /// The program, as its exit code.
    Program,
    /// Windows, which ended the program.
    System,
    /// It is not known.
    Unknown,
}

impl Side {
    /// As tables name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheduler => "scheduler",
            Self::Program => "program",
            Self::System => "system",
            Self::Unknown => "unknown",
        }
    }
}

/// What is known besides the code.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings<'a> {
    /// Codes that this task's site counts as success: 1 to 7 for robocopy, 3010 for an installer.
    pub success: &'a [u32],
    /// The scheduler says that the task runs.
    pub running: bool,
    /// The last run is a date that stands for "never".
    pub never_ran: bool,
}

/// A code and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// The code.
    pub code: u32,
    /// Its constant's name, if it has one.
    pub name: Option<&'static str>,
    /// Who produced it.
    pub side: Side,
    /// How it is judged.
    pub outcome: Outcome,
    /// What it means, as a fragment of a sentence.
    pub words: String,
}

impl Meaning {
    /// `0x80070002`.
    #[must_use]
    pub fn hex(&self) -> String {
        format!("0x{:X}", self.code)
    }

    /// As a process's exit code and `schtasks` show it.
    #[must_use]
    pub const fn signed(&self) -> i32 {
        self.code.cast_signed()
    }
}

/// A constant of Windows and what it means here.
struct Known {
    code: u32,
    name: &'static str,
    outcome: Outcome,
    words: &'static str,
}

fn find(table: &'static [Known], code: u32) -> Option<&'static Known> {
    table.iter().find(|known| known.code == code)
}

/// `0x103`: ERROR_NO_MORE_ITEMS, STATUS_PENDING and STILL_ACTIVE are one number.
const STILL_ACTIVE: u32 = 259;

/// Judges a code. Every code has an answer; what is not known is said to be so.
#[must_use]
pub fn decode(code: u32, around: Surroundings<'_>) -> Meaning {
    let plain = |side, outcome, words: String| Meaning { code, name: None, side, outcome, words };
    let known =
        |known: &Known, side| Meaning { name: Some(known.name), ..plain(side, known.outcome, known.words.to_owned()) };
    if let Some(found) = find(scheduler::CODES, code) {
        return of_scheduler(known(found, Side::Scheduler), around);
    }
    if code == 0 {
        return plain(Side::Program, Outcome::Ok, "ended with 0".to_owned());
    }
    if around.success.contains(&code) {
        return plain(Side::Program, Outcome::Ok, format!("ended with {code}, which this task counts as success"));
    }
    if code == STILL_ACTIVE {
        return still_active(&plain(Side::Unknown, Outcome::Unclear, String::new()), around);
    }
    if let Some(found) = system::find(code) {
        return known(found, Side::System);
    }
    match code {
        0xc000_0000..=0xcfff_ffff => {
            plain(Side::System, Outcome::Crashed, format!("Windows ended the program with status 0x{code:08X}"))
        }
        0x4001_0000..=0x4001_ffff => {
            plain(Side::System, Outcome::Terminated, format!("the program was ended with status 0x{code:08X}"))
        }
        0x8007_0000..=0x8007_ffff => of_win32(&plain(Side::Scheduler, Outcome::Failed, String::new())),
        0x8000_0000..=0x8fff_ffff => {
            let facility = facility(code).map_or_else(|| format!("facility {}", code >> 16 & 0x1fff), str::to_owned);
            plain(Side::Unknown, Outcome::Failed, format!("error 0x{code:08X} of {facility}"))
        }
        1..=0xffff => of_program(plain(Side::Program, Outcome::Failed, String::new()), around),
        0xf000_0000.. => {
            let signed = code.cast_signed();
            let more = if signed == -196_608 { ": PowerShell did not find the script that -File names" } else { "" };
            plain(Side::Program, Outcome::Failed, format!("the program ended with {signed}{more}"))
        }
        _ => plain(Side::Unknown, Outcome::Failed, format!("failed; code 0x{code:08X} is not known")),
    }
}

fn of_scheduler(mut meaning: Meaning, around: Surroundings<'_>) -> Meaning {
    if meaning.outcome == Outcome::Running && !around.running {
        meaning.outcome = Outcome::Unclear;
        meaning.words =
            "the result says that it runs, the state that it does not: the computer may have stopped during the run"
                .to_owned();
    }
    meaning
}

fn still_active(meaning: &Meaning, around: Surroundings<'_>) -> Meaning {
    if around.running {
        return Meaning {
            name: Some("STILL_ACTIVE"),
            side: Side::System,
            outcome: Outcome::Running,
            words: "it runs".to_owned(),
            ..meaning.clone()
        };
    }
    let words = "259 is what Windows gives for a process that still runs (STILL_ACTIVE), and programs may end with it: \
                 whether the run went well is not known";
    Meaning { words: words.to_owned(), ..meaning.clone() }
}

/// An error of Windows in the form of COM: the scheduler could not start the program, or its start was refused.
fn of_win32(meaning: &Meaning) -> Meaning {
    match find(win32::CODES, meaning.code & 0xffff) {
        Some(found) => {
            let start = if found.outcome == Outcome::Failed { "it could not be started: " } else { "" };
            let words = format!("{start}{}", found.words);
            Meaning { name: Some(found.name), outcome: found.outcome, words, ..meaning.clone() }
        }
        None => {
            Meaning { words: format!("Windows error {}: it was not started", meaning.code & 0xffff), ..meaning.clone() }
        }
    }
}

/// An exit code: what it means is the program's affair, so an error of Windows of that number is only a hint.
fn of_program(mut meaning: Meaning, around: Surroundings<'_>) -> Meaning {
    let code = meaning.code;
    if code == 1 && around.never_ran {
        meaning.outcome = Outcome::NotYetRun;
        meaning.words = "has never run (Windows Server 2012 R2 gives 1 for that)".to_owned();
        return meaning;
    }
    let (outcome, words) = match code {
        1641 | 3010 => (Outcome::Ok, ", for an installer: done, a restart is needed".to_owned()),
        _ => match find(win32::CODES, code) {
            Some(found) => {
                (Outcome::Failed, format!("; if that is an error of Windows, {} ({})", found.words, found.name))
            }
            None => (Outcome::Failed, String::new()),
        },
    };
    meaning.outcome = outcome;
    meaning.words = format!("the program ended with {code}{words}");
    meaning
}

/// Which part of Windows an HRESULT comes from.
fn facility(code: u32) -> Option<&'static str> {
    Some(match code >> 16 & 0x1fff {
        0 => "COM",
        1 => "RPC",
        2 => "COM dispatch",
        3 => "COM storage",
        4 => "a COM interface",
        9 => "the security subsystem",
        0x13 => "the .NET runtime",
        0x15 => "Windows Installer",
        0x19 => "HTTP",
        0x24 => "Windows Update",
        0x31 => "BITS",
        _ => return None,
    })
}
