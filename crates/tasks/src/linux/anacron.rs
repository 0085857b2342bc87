//! Anacrontabs (anacrontab(5)), and the stamps that are the only trace of a run.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{environment, text_of};
use crate::Span;
use crate::problem::{Format, Problem, Reading};
use crate::task::{Action, Principal, Schedule, Scheduler, Settings, Task, Trigger};
use crate::watch::LastRun;

/// Reads an anacrontab: `period delay identifier command`, with lines continued by a backslash.
#[must_use]
pub fn read_anacrontab(file: &str, bytes: &[u8]) -> Reading {
    let (text, origin) = match text_of(file, bytes) {
        Ok(read) => read,
        Err(problem) => return Reading::failed(Format::Anacrontab, problem),
    };
    let mut reading = Reading::new(Format::Anacrontab);
    let mut random_delay = None;
    for (number, line) in joined(&text) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some((name, value)) = environment(line) {
            if name == "RANDOM_DELAY" {
                random_delay = value.parse::<u32>().ok().map(|minutes| Span::of_seconds(u64::from(minutes) * 60));
            }
            continue;
        }
        match job(line) {
            Ok((id, trigger, command)) => {
                let mut task = Task::new(format!("{file}:{id}"), Scheduler::Anacron, origin.clone());
                task.settings = Settings::plain();
                task.settings.persistent = true;
                task.principals = vec![Principal { user: Some("root".to_owned()), ..Principal::default() }];
                task.actions = vec![Action::exec(command)];
                task.triggers = vec![Trigger { random_delay, ..trigger }];
                reading.tasks.push(task);
            }
            Err(problem) => reading.problems.push(Problem::Row { line: number, problem }),
        }
    }
    reading
}

/// Lines with their numbers; a backslash at the end joins the next.
fn joined(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        let (line, continues) = line.strip_suffix('\\').map_or((line, false), |line| (line, true));
        match lines.last_mut().filter(|_| open) {
            Some((_, last)) => last.push_str(line),
            None => lines.push((index + 1, line.to_owned())),
        }
        open = continues;
    }
    lines
}

fn job(line: &str) -> Result<(String, Trigger, String), String> {
    let mut rest = line;
    let mut word = || {
        let (word, after) =
            rest.split_once([' ', '\t']).ok_or("a period, a delay, an identifier and a command are needed")?;
        rest = after.trim_start();
        Ok::<_, String>(word)
    };
    let (period, delay, id) = (word()?, word()?, word()?.to_owned());
    let days = match period {
        "@daily" => Some(1),
        "@weekly" => Some(7),
        "@monthly" => None,
        "@yearly" | "@annually" => Some(365),
        number => match number.parse::<u32>() {
            Ok(days) if days > 0 => Some(days),
            _ => return Err(format!("period {number:?}: expected a number of days, @daily, @weekly or @monthly")),
        },
    };
    let minutes: u32 = delay.parse().map_err(|_| format!("delay {delay:?}: expected a number of minutes"))?;
    let mut trigger = Trigger::new(Schedule::Anacron(days));
    trigger.delay = (minutes > 0).then(|| Span::of_seconds(u64::from(minutes) * 60));
    Ok((id, trigger, rest.to_owned()))
}

/// When a job last ran, from its stamp `/var/spool/anacron/IDENTIFIER`: `20260331`, a date without a time. Without the
/// host's zone it is not known when that day began.
#[must_use]
pub fn read_stamp(text: &str, zone: Option<&TimeZone>) -> LastRun {
    let text = text.trim();
    let date = || {
        let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i16>().ok();
        let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
        Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
    };
    let date = date().filter(|_| text.len() == 8);
    match (date, date.zip(zone).and_then(|(date, zone)| date.to_zoned(zone.clone()).ok())) {
        (_, Some(midnight)) => LastRun::At(midnight.timestamp()),
        (Some(date), None) => LastRun::Unknown(format!("on {date}, by the clock of a host whose zone is not known")),
        (None, None) => {
            LastRun::Unknown(format!("anacron's stamp {:?} is not a date", strongroom_model::text::printable(text, 40)))
        }
    }
}
