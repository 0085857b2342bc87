//! `schtasks /query` as a table: name, next run and state, below a line for each folder.

use super::{StatusRow, cell};
use crate::problem::{Format, Problem, Reading};

/// Columns without `/v`.
const COLUMNS: usize = 3;
/// Where characters that take two columns of a console begin: CJK radicals.
const FIRST_WIDE: char = '\u{2e80}';

/// `======== =====`: the widths of the columns.
fn rule(line: &str) -> Option<Vec<usize>> {
    let is_rule = line.len() > 40 && line.chars().all(|c| c == '=' || c == ' ');
    is_rule.then(|| line.split_whitespace().map(str::len).collect())
}

pub(super) fn is_table(text: &str) -> bool {
    text.lines().any(|line| rule(line.trim_end()).is_some())
}

pub(super) fn read(text: &str) -> Reading {
    let mut reading = Reading::new(Format::SchtasksTable);
    let (mut folder, mut widths) = (None::<String>, None::<Vec<usize>>);
    let mut invisible = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_end();
        if let Some((_, path)) = line.split_once(": ").filter(|(_, path)| path.trim_start().starts_with('\\')) {
            (folder, widths) = (Some(path.trim().to_owned()), None);
        } else if let Some(found) = rule(line) {
            widths = Some(found);
        } else if line.is_empty() {
            widths = None;
        } else if line.starts_with("INFO") {
            invisible.extend(folder.clone());
        } else if let Some(widths) = &widths {
            match row(line, widths, folder.as_deref()) {
                Ok(row) => reading.statuses.push(StatusRow { line: index + 1, ..row }),
                Err(problem) => reading.problems.push(Problem::Row { line: index + 1, problem }),
            }
        }
    }
    // A task has a row for each trigger.
    reading.statuses.dedup_by(|other, first| other.path == first.path);
    reading.problems.extend(super::invisible(invisible));
    reading
}

fn row(line: &str, widths: &[usize], folder: Option<&str>) -> Result<StatusRow, String> {
    let instead = "use schtasks /query /fo csv /v";
    if widths.len() != COLUMNS {
        return Err(format!("a table with /v cuts off names and commands; {instead}"));
    }
    if line.chars().any(|c| c >= FIRST_WIDE) {
        return Err(format!("its characters are of different widths, so its columns are not certain; {instead}"));
    }
    let folder = folder.ok_or_else(|| format!("no line above names its folder; {instead}"))?;
    let mut characters = line.chars();
    let mut cells = Vec::new();
    for width in widths {
        cells.push(characters.by_ref().take(*width).collect::<String>());
        // The blank between two columns.
        characters.next();
    }
    let is_cut = cells[0].chars().count() == widths[0] && !cells[0].ends_with(' ');
    if is_cut {
        let name = strongroom_model::text::printable(&cells[0], 40);
        return Err(format!("the name {name}… is cut off at {} characters; {instead}", widths[0]));
    }
    Ok(StatusRow {
        path: format!("{}\\{}", folder.trim_end_matches('\\'), cells[0].trim()),
        next_run: cell(&cells, 1),
        state: cell(&cells, 2),
        ..StatusRow::default()
    })
}
