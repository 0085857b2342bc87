//! What `Get-ScheduledTask | Get-ScheduledTaskInfo` prints: properties, whose names are not translated.

use super::{StatusRow, read_result};
use crate::problem::{Format, Problem, Reading};

/// `LastTaskResult     : 0`.
fn property(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim();
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then(|| (name, value.trim()))
}

pub(super) fn is_info(text: &str) -> bool {
    text.lines().filter_map(property).any(|(name, _)| name == "LastTaskResult" || name == "NumberOfMissedRuns")
}

pub(super) fn read(text: &str) -> Reading {
    let mut reading = Reading::new(Format::TaskInfo);
    let mut block: Vec<(usize, &str, &str)> = Vec::new();
    for (index, line) in text.lines().chain([""]).enumerate() {
        match property(line) {
            Some((name, value)) => block.push((index + 1, name, value)),
            None if line.trim().is_empty() && !block.is_empty() => {
                finish(&mut reading, &block);
                block.clear();
            }
            None => {}
        }
    }
    reading
}

fn finish(reading: &mut Reading, block: &[(usize, &str, &str)]) {
    let get = |name: &str| block.iter().find(|(_, found, _)| *found == name).map(|(_, _, value)| *value);
    let text = |name: &str| get(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let line = block[0].0;
    let Some(result) = get("LastTaskResult") else {
        let problem = "these properties do not contain a last result".to_owned();
        reading.problems.push(Problem::Row { line, problem });
        return;
    };
    let mut warnings = Vec::new();
    let path = match (text("TaskName"), text("TaskPath")) {
        (Some(name), Some(folder)) => format!("{}\\{name}", folder.trim_end_matches('\\')),
        (Some(name), None) => {
            warnings.push("the listing does not say which folder the task is in".to_owned());
            name
        }
        (None, _) => {
            warnings.push("the listing does not name the task".to_owned());
            format!("(unnamed task at line {line})")
        }
    };
    let last_result = read_result(result);
    if last_result.is_none() {
        warnings.push(format!("the last result \"{}\" cannot be read", strongroom_model::text::printable(result, 40)));
    }
    reading.statuses.push(StatusRow {
        line,
        host: text("PSComputerName"),
        path,
        next_run: text("NextRunTime"),
        state: text("State"),
        last_run: text("LastRunTime"),
        last_result,
        missed_runs: get("NumberOfMissedRuns").and_then(|number| number.parse().ok()),
        author: text("Author"),
        comment: text("Description"),
        warnings,
        ..StatusRow::default()
    });
}
