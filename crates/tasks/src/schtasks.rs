//! Listings: what `schtasks /query` prints, and `Get-ScheduledTaskInfo`.
//!
//! A listing is translated, does not escape quotes, repeats its header for every folder, and prints one row for each
//! trigger; so columns are recognized by their position, and a task by the backslash that its path begins with.

mod csv;
mod info;
mod list;
mod table;

use crate::problem::{Problem, Reading};

/// What a listing says of one task. Texts are as printed; times are read with the host's date format.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusRow {
    /// From 1; the first of several, if the task has several triggers.
    pub line: usize,
    /// The computer.
    pub host: Option<String>,
    /// `\OpenData\Nightly`; a bare name where the listing does not name the folder.
    pub path: String,
    /// Next run, as printed.
    pub next_run: Option<String>,
    /// State, in the host's language.
    pub state: Option<String>,
    /// Last run, as printed.
    pub last_run: Option<String>,
    /// Last result, whatever form it was printed in.
    pub last_result: Option<u32>,
    /// Missed runs, where they are reported.
    pub missed_runs: Option<u32>,
    /// Who wrote it.
    pub author: Option<String>,
    /// The command with its arguments.
    pub command: Option<String>,
    /// The folder it starts in.
    pub start_in: Option<String>,
    /// Its comment.
    pub comment: Option<String>,
    /// Enabled or disabled, in the host's language.
    pub enabled: Option<String>,
    /// The account.
    pub run_as: Option<String>,
    /// For each trigger the columns from the schedule's type on, in the host's language.
    pub schedules: Vec<Vec<String>>,
    /// What could not be read: one sentence each.
    pub warnings: Vec<String>,
}

impl StatusRow {
    /// Its dates, as printed.
    pub fn dates(&self) -> impl Iterator<Item = &str> {
        [&self.last_run, &self.next_run].into_iter().filter_map(|date| date.as_deref())
    }
}

/// A result in any of the forms that are printed: signed or unsigned decimal, hexadecimal, also as `(0x1)`.
#[must_use]
pub fn read_result(text: &str) -> Option<u32> {
    let text = text.trim().trim_start_matches('(').trim_end_matches(')');
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u32::from_str_radix(hex, 16).ok();
    }
    let number: i64 = text.parse().ok()?;
    match number {
        0.. => u32::try_from(number).ok(),
        _ => i32::try_from(number).ok().map(i32::cast_unsigned),
    }
}

/// Reads a listing; `None`: it is none.
pub(crate) fn read(text: &str) -> Option<Reading> {
    let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let first = lines.next()?;
    if first.starts_with('"') && first.contains("\",\"") {
        return Some(csv::read(text));
    }
    if info::is_info(text) {
        return Some(info::read(text));
    }
    if table::is_table(text) {
        return Some(table::read(text));
    }
    list::is_list(text).then(|| list::read(text))
}

/// What stands for nothing, in every language; other words for nothing are kept as printed.
fn cell(row: &[String], index: usize) -> Option<String> {
    row.get(index).map(|cell| cell.trim()).filter(|cell| !cell.is_empty() && *cell != "N/A").map(str::to_owned)
}

/// Folders below which nothing is printed.
fn invisible(folders: Vec<String>) -> Option<Problem> {
    let count = folders.len();
    let first = folders.into_iter().next()?;
    let more = match count - 1 {
        0 => String::new(),
        1 => " and another folder".to_owned(),
        n => format!(" and {n} other folders"),
    };
    Some(Problem::NothingVisible(format!("{first}{more}")))
}

#[cfg(test)]
mod tests;
