//! `schtasks /query /fo csv`, with `/v` or without.

use super::{StatusRow, cell, read_result};
use crate::problem::{Format, Problem, Reading};

/// The columns of `/v`, which are the same in every language since Windows Vista.
pub(super) const COLUMNS: usize = 28;
/// Columns before the free text that may hold quotes: host to author.
const LEFT: usize = 8;
/// The first column after it: enabled or disabled.
const RIGHT: usize = 11;
/// The first column of the schedule's.
const SCHEDULE: usize = 18;
/// The most rows that are read: a machine has some 250 tasks.
const MAX_ROWS: usize = 100_000;

pub(super) fn read(text: &str) -> Reading {
    let rows = rows(text);
    let header = rows.first().filter(|(_, row)| !is_data(row)).map(|(_, row)| row.clone());
    let width = header.as_ref().map_or(COLUMNS, Vec::len);
    let data: Vec<_> = rows.iter().filter(|(_, row)| Some(row) != header.as_ref()).collect();
    let first = data.iter().map(|(_, row)| row).find(|row| is_data(row));
    let by_name = |column: usize| first.is_some_and(|row| row.get(column).is_some_and(|cell| cell.starts_with('\\')));
    let format =
        if by_name(0) || first.is_none() && width == 3 { Format::SchtasksShortCsv } else { Format::SchtasksCsv };
    let mut reading = Reading::new(format);
    if by_name(0) && width != 3 {
        reading
            .problems
            .push(Problem::Lossy("its columns are not those of schtasks: of each task only the path is read"));
    }
    for (line, row) in data {
        if !is_data(row) {
            // A repeated header of another language or version has no backslash either.
            let repeated = row.len() == width
                && !row.iter().any(|cell| cell.contains('\\'))
                && read_result(row.get(6).map_or("", |cell| cell)).is_none();
            if !repeated {
                let problem = "no column holds the path of a task, which begins with a backslash".to_owned();
                reading.problems.push(Problem::Row { line: *line, problem });
            }
            continue;
        }
        let by_second = row.get(1).is_some_and(|cell| cell.starts_with('\\'));
        let read = if by_name(0) || !by_second { short(*line, row, width) } else { full(*line, row, width) };
        merge(&mut reading.statuses, read);
    }
    if reading.statuses.is_empty() && reading.problems.is_empty() {
        reading.problems.push(Problem::NothingVisible("the account that listed them".to_owned()));
    }
    reading
}

/// A data row has a path in its second column, or, without `/v`, in its first.
fn is_data(row: &[String]) -> bool {
    row.iter().take(2).any(|cell| cell.starts_with('\\'))
}

/// Rows with the numbers of their first lines. A row ends where a line ends in a quote: comments may have line breaks.
fn rows(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut rows = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_end();
        let (number, row) = match open.take() {
            Some((number, row)) => (number, format!("{row}\n{line}")),
            None if line.starts_with('"') => (index + 1, line.to_owned()),
            // What is printed between rows: an empty line, or INFO for an empty folder.
            None => continue,
        };
        if row.len() > 1 && row.ends_with('"') {
            let inner = &row[1..row.len() - 1];
            rows.push((number, inner.split("\",\"").map(str::to_owned).collect()));
            if rows.len() == MAX_ROWS {
                break;
            }
        } else {
            open = Some((number, row));
        }
    }
    if let Some((number, row)) = open {
        // Cut off: what is there is read.
        rows.push((number, row[1..].split("\",\"").map(str::to_owned).collect()));
    }
    rows
}

fn short(line: usize, row: &[String], width: usize) -> StatusRow {
    let known = width == 3;
    StatusRow {
        line,
        path: row[0].clone(),
        next_run: cell(row, 1).filter(|_| known),
        state: cell(row, 2).filter(|_| known),
        ..StatusRow::default()
    }
}

pub(super) fn full(line: usize, row: &[String], width: usize) -> StatusRow {
    let mut warnings = Vec::new();
    let fields = aligned(row, width, &mut warnings);
    let fields = &fields[..];
    let result = fields.get(6).map(String::as_str).unwrap_or_default();
    let last_result = read_result(result);
    if last_result.is_none() {
        warnings.push(format!("the last result \"{}\" cannot be read", strongroom_model::text::printable(result, 40)));
    }
    let schedule = fields.get(SCHEDULE..).filter(|cells| row.len() >= width && !cells.is_empty());
    StatusRow {
        line,
        host: cell(fields, 0),
        path: fields[1].clone(),
        next_run: cell(fields, 2),
        state: cell(fields, 3),
        last_run: cell(fields, 5),
        last_result,
        missed_runs: None,
        author: cell(fields, 7),
        command: cell(fields, 8),
        start_in: cell(fields, 9),
        comment: cell(fields, 10),
        enabled: cell(fields, 11),
        run_as: cell(fields, 14),
        schedules: schedule.map(|cells| vec![cells.to_vec()]).unwrap_or_default(),
        warnings,
    }
}

/// The columns of a row. Quotes are not escaped, so free text with `","` in it has too many parts: columns before it are
/// taken from the left, columns after it from the right, and what is between is best effort.
fn aligned(row: &[String], width: usize, warnings: &mut Vec<String>) -> Vec<String> {
    if row.len() < width {
        warnings.push(format!("{} of {width} columns: the others are not known", row.len()));
    }
    if row.len() <= width || width <= RIGHT {
        return row.to_vec();
    }
    warnings.push("the command or the comment holds quotes and commas: where one ends is not certain".to_owned());
    let tail = width - RIGHT;
    let middle = &row[LEFT..row.len() - tail];
    // The command, the folder, and the comment, which is the likeliest to hold commas.
    let (command, start_in) = (middle[0].clone(), middle[1].clone());
    let mut fields = row[..LEFT].to_vec();
    fields.extend([command, start_in, middle[2..].join("\",\"")]);
    fields.extend_from_slice(&row[row.len() - tail..]);
    fields
}

/// Rows of one task differ in their schedule only.
pub(super) fn merge(statuses: &mut Vec<StatusRow>, row: StatusRow) {
    match statuses.last_mut().filter(|last| last.path == row.path && last.host == row.host) {
        Some(last) => {
            last.schedules.extend(row.schedules);
            if last.last_result != row.last_result {
                let warning = "the listing has several rows of this task with different results: the last counts";
                last.last_result = row.last_result;
                last.warnings.push(warning.to_owned());
            }
            last.warnings.extend(row.warnings);
            last.warnings.dedup();
        }
        None => statuses.push(row),
    }
}
