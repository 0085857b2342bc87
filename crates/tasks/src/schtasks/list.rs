//! `schtasks /query /fo list`, with `/v` or without: a block of lines for each trigger, of a translated key and a value, in
//! the order of the columns of CSV. No quotes are in it, so nothing shifts.

use super::csv::{COLUMNS, full, merge};
use super::{StatusRow, cell};
use crate::problem::{Format, Problem, Reading};

/// Host, task, next run, state, logon mode: without `/v`.
const SHORT: usize = 5;
/// The most blocks that are read: a machine has some 250 tasks.
const MAX_BLOCKS: usize = 100_000;

/// Lines up to an empty one, with the number of the first.
type Block<'a> = (usize, Vec<&'a str>);

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut is_open = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            is_open = false;
        } else if is_open && let Some((_, lines)) = blocks.last_mut() {
            lines.push(line);
        } else if blocks.len() < MAX_BLOCKS {
            blocks.push((index + 1, vec![line]));
            is_open = true;
        }
    }
    blocks
}

/// What is behind the first colon.
fn value(line: &str) -> Option<&str> {
    line.split_once(':').map(|(_, value)| value.trim())
}

fn is_path(line: Option<&&str>) -> bool {
    line.and_then(|line| value(line)).is_some_and(|value| value.starts_with('\\'))
}

/// `Folder: \`, where a block begins with it.
fn folder<'a>(lines: &[&'a str]) -> Option<&'a str> {
    value(lines.first()?).filter(|value| value.starts_with('\\'))
}

/// The lines of a task: the second one has its path.
fn of_task<'a, 'b>(lines: &'b [&'a str]) -> Option<&'b [&'a str]> {
    let lines = if folder(lines).is_some() { &lines[1..] } else { lines };
    (lines.len() >= SHORT && is_path(lines.get(1))).then_some(lines)
}

pub(super) fn is_list(text: &str) -> bool {
    blocks(text).iter().any(|(_, lines)| of_task(lines).is_some())
}

pub(super) fn read(text: &str) -> Reading {
    let mut reading = Reading::new(Format::SchtasksList);
    let mut invisible = Vec::new();
    for (line, lines) in blocks(text) {
        match (of_task(&lines), folder(&lines)) {
            (Some(task), _) => match row(line, task) {
                Ok(row) => merge(&mut reading.statuses, row),
                Err(problem) => reading.problems.push(Problem::Row { line, problem }),
            },
            // A folder, and below it that nothing is in it, or nothing that may be seen.
            (None, Some(folder)) if lines.len() == 2 => invisible.push(folder.to_owned()),
            (None, Some(_)) if lines.len() == 1 => {}
            (None, _) => {
                let problem = "these lines do not hold the path of a task, which begins with a backslash".to_owned();
                reading.problems.push(Problem::Row { line, problem });
            }
        }
    }
    reading.problems.extend(super::invisible(invisible));
    reading
}

fn row(line: usize, lines: &[&str]) -> Result<StatusRow, String> {
    let cells = cells(lines);
    match cells.len() {
        SHORT => Ok(StatusRow {
            line,
            host: cell(&cells, 0),
            path: cells[1].clone(),
            next_run: cell(&cells, 2),
            state: cell(&cells, 3),
            ..StatusRow::default()
        }),
        count if count >= COLUMNS => Ok(full(line, &cells, COLUMNS)),
        count => {
            Err(format!("a task has {SHORT} lines, or with /v {COLUMNS}, and this one {count}; list it again with /v"))
        }
    }
}

/// The values. Keys may hold colons, but all values of a block begin in one column; a line of a comment may have any text,
/// and belongs to the value above it.
fn cells(lines: &[&str]) -> Vec<String> {
    let column = lines.iter().take(2).filter_map(|line| column(line)).max().unwrap_or(0);
    let mut cells: Vec<String> = Vec::new();
    for line in lines {
        match (at_column(line, column), cells.last_mut()) {
            (Some(value), _) => cells.push(value.to_owned()),
            (None, Some(last)) => last.extend(["\n", line.trim_end()]),
            (None, None) => cells.push(value(line).unwrap_or_default().to_owned()),
        }
    }
    cells
}

/// The column that a value begins in, in characters.
fn column(line: &str) -> Option<usize> {
    let (key, value) = line.split_once(':')?;
    let blanks = value.chars().take_while(|c| *c == ' ').count();
    Some(key.chars().count() + 1 + blanks)
}

/// The value, if a key with a colon and blanks are before that column.
fn at_column(line: &str, column: usize) -> Option<&str> {
    let at = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
    let (key, value) = line.split_at(at);
    (key.trim_end().ends_with(':') && !key.starts_with(' ')).then(|| value.trim())
}
