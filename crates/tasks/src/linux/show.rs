//! `systemctl show` of timers and of the services that they start: properties, in blocks for each unit.

use std::collections::BTreeMap;

use super::{timespan, unit};
use crate::codes::Outcome;
use crate::problem::Problem;
use crate::task::{Action, MonotonicBase, Origin, Principal, Schedule, Scheduler, Settings, Task, Trigger};
use crate::watch::State;

/// A timer with what its service says of its last run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The definition.
    pub task: Task,
    /// The state of its service.
    pub state: State,
    /// How its last run is judged.
    pub judged: Option<(Outcome, String)>,
}

type Block = Vec<(String, String)>;

/// Reads the properties of timers and services. Timers that systemd-cron generated from crontabs are left out: the
/// crontabs themselves are read, and the same job would stand there twice.
///
/// # Errors
///
/// What is not text.
pub fn read_show(file: &str, bytes: &[u8]) -> Result<Vec<Shown>, Problem> {
    let (text, origin) = super::text_of(file, bytes)?;
    let blocks = blocks(&text);
    let services: BTreeMap<_, _> = blocks.iter().filter_map(|block| Some((get(block, "Id")?, block))).collect();
    let timers = blocks.iter().filter(|block| get(block, "Id").is_some_and(|id| id.ends_with(".timer")));
    Ok(timers.filter(|timer| !is_generated(timer)).map(|timer| shown(timer, &services, &origin)).collect())
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = vec![Vec::new()];
    for line in text.lines() {
        match line.split_once('=') {
            _ if line.trim().is_empty() => blocks.push(Vec::new()),
            // A second Id begins another unit where the empty line was lost.
            Some(("Id", value)) if blocks.last().is_some_and(|block| get(block, "Id").is_some()) => {
                blocks.push(vec![("Id".to_owned(), value.to_owned())]);
            }
            Some((name, value)) => {
                blocks.last_mut().expect("there is always one").push((name.to_owned(), value.to_owned()));
            }
            None => {}
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

fn get<'b>(block: &'b [(String, String)], name: &str) -> Option<&'b str> {
    block.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

fn all<'b>(block: &'b [(String, String)], name: &'b str) -> impl Iterator<Item = &'b str> {
    block.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
}

fn is_generated(timer: &Block) -> bool {
    let generated = get(timer, "FragmentPath").is_some_and(|path| path.starts_with("/run/systemd/generator"));
    generated && get(timer, "SourcePath").is_some_and(|path| path.contains("cron"))
}

/// `{ OnCalendar=*-*-* 00:00:00 ; next_elapse=… }`: the first member.
fn member(value: &str) -> Option<(&str, &str)> {
    let inner = value.trim().strip_prefix('{')?.trim_start();
    let first = inner.split(" ; ").next()?.trim().trim_end_matches('}').trim();
    first.split_once('=')
}

fn shown(timer: &Block, services: &BTreeMap<&str, &Block>, origin: &Origin) -> Shown {
    let id = get(timer, "Id").unwrap_or_default();
    let mut task = Task::new(id, Scheduler::Systemd, origin.clone());
    task.settings = Settings::plain();
    task.description = get(timer, "Description").map(str::to_owned);
    task.settings.persistent = get(timer, "Persistent") == Some("yes");
    task.settings.accuracy =
        Some(get(timer, "AccuracyUSec").and_then(timespan::parse).unwrap_or(crate::Span::of_seconds(60)));
    let random = get(timer, "RandomizedDelayUSec").and_then(timespan::parse).filter(|span| !span.is_zero());
    for value in all(timer, "TimersCalendar").chain(all(timer, "TimersMonotonic")) {
        let Some((name, value)) = member(value) else { continue };
        let schedule = match MonotonicBase::parse(name) {
            Some(base) => unit::monotonic(base, value, &mut task.warnings),
            None if name == "OnCalendar" => unit::calendar(value, &mut task.warnings),
            None => Schedule::Unknown(name.to_owned(), value.to_owned()),
        };
        task.triggers.push(Trigger { random_delay: random, ..Trigger::new(schedule) });
    }
    let file_state = get(timer, "UnitFileState").unwrap_or_default();
    task.settings.enabled = !matches!(file_state, "disabled" | "masked") || get(timer, "ActiveState") == Some("active");
    if file_state == "disabled" && task.settings.enabled {
        task.warnings.push("the timer is active, but not enabled: it will not come back after a restart".to_owned());
    }
    let stem = id.strip_suffix(".timer").unwrap_or(id);
    let name = get(timer, "Unit").map_or_else(|| format!("{stem}.service"), str::to_owned);
    let Some(service) = services.get(name.as_str()) else {
        task.warnings.push(format!("{name}, which it starts, was not shown"));
        return Shown { task, state: State::Unknown("not shown".to_owned()), judged: None };
    };
    task.actions = all(service, "ExecStart").map(exec).collect();
    task.principals =
        vec![Principal { user: Some(get(service, "User").unwrap_or("root").to_owned()), ..Principal::default() }];
    let running = matches!(get(service, "ActiveState"), Some("activating" | "active" | "reloading" | "deactivating"));
    let state = if running { State::Running } else { State::Ready };
    Shown { task, state, judged: judged(service) }
}

/// `{ path=/usr/bin/x ; argv[]=/usr/bin/x a b ; ignore_errors=no ; … }`.
fn exec(value: &str) -> Action {
    let argv = value.split_once("argv[]=").map(|(_, rest)| rest.split(" ; ").next().unwrap_or(rest).trim());
    Action::exec(argv.unwrap_or(value))
}

/// The service's `Result` (systemd.exec(5)).
fn judged(service: &Block) -> Option<(Outcome, String)> {
    let result = get(service, "Result")?;
    let status = get(service, "ExecMainStatus").map(|status| format!(" {status}")).unwrap_or_default();
    let (outcome, words) = match result {
        "success" => (Outcome::Ok, "ended well".to_owned()),
        "exit-code" => (Outcome::Failed, format!("ended with status{status}")),
        "signal" => (Outcome::Terminated, format!("was ended by signal{status}")),
        "core-dump" => (Outcome::Crashed, format!("crashed with signal{status}")),
        "timeout" => (Outcome::Terminated, "took too long and was ended".to_owned()),
        "oom-kill" => (Outcome::Terminated, "was ended: the computer had no memory left".to_owned()),
        "watchdog" => (Outcome::Terminated, "was ended: it did not answer its watchdog".to_owned()),
        "start-limit-hit" => (Outcome::Refused, "was started too often in a short time".to_owned()),
        "exec-condition" => (Outcome::Held, "a condition of its own held it back".to_owned()),
        "resources" => (Outcome::Failed, "could not be started: a resource was missing".to_owned()),
        "protocol" => (Outcome::Failed, "did not start as its type demands".to_owned()),
        other => (Outcome::Unclear, format!("result {:?} is not known", strongroom_model::text::printable(other, 40))),
    };
    Some((outcome, words))
}
