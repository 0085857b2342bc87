//! Listings: what `schtasks /query` prints, and `Get-ScheduledTaskInfo`.
//!
//! A listing is translated, does not escape quotes, repeats its header for every folder, and prints one row for each
//! trigger; so columns are recognized by their position, and a task by the backslash that its path begins with.

mod csv;
mod info;

use crate::problem::{Format, Problem, Reading};

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
    let is_rule = |line: &str| line.len() > 40 && line.chars().all(|c| c == '=' || c == ' ');
    if text.lines().any(|line| is_rule(line.trim_end())) {
        let mut reading = Reading::failed(Format::SchtasksTable, Problem::Lossy("names are cut off at 40 characters"));
        reading.problems.extend(empty_folders(text));
        return Some(reading);
    }
    // `Folder: \`, and below it lines of a key, a colon and blanks; the keys are translated.
    let listed = |line: &str| line.split_once(": ").is_some_and(|(_, value)| value.trim_start().starts_with('\\'));
    if text.lines().filter(|line| listed(line)).count() >= 2 {
        return Some(Reading::failed(Format::SchtasksList, Problem::Lossy("its keys are translated")));
    }
    None
}

/// The folders of a table below which nothing is printed: lines with a colon and a path, followed by one without columns.
fn empty_folders(text: &str) -> Vec<Problem> {
    let mut folder = None;
    let mut empty = Vec::new();
    for line in text.lines() {
        if let Some((_, path)) = line.split_once(": ").filter(|(_, path)| path.starts_with('\\')) {
            folder = Some(path.trim().to_owned());
        } else if line.starts_with("INFO") || line.starts_with("INFORMATION") {
            empty.extend(folder.take());
        }
    }
    let count = empty.len();
    let named = empty.into_iter().next();
    let shown = |first: String| if count > 1 { format!("{first} and {} other folders", count - 1) } else { first };
    named.map(|first| Problem::NothingVisible(shown(first))).into_iter().collect()
}

#[cfg(test)]
mod tests;
