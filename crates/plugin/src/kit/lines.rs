//! Cases 9 to 14 and 29, which hold for everything that was said.

use serde_json::Value;

use super::bench::{Bench, Trial};
use super::case::Found;
use crate::host::End;
use crate::protocol::{MAX_LINE_BYTES, PluginMessage};

/// What is wrong with a trial, if anything is.
type Fault = fn(&Trial) -> Option<String>;

pub(super) fn run(bench: &mut Bench<'_>) {
    let cases: [(u8, Fault); 7] = [
        (9, objects_only),
        (10, encoding),
        (11, short_lines),
        (12, one_result),
        (13, exit_code),
        (14, |trial| trial.leaks.first().cloned()),
        (29, orphans),
    ];
    for (number, fault) in cases {
        let first = bench.trials.iter().find_map(|trial| fault(trial).map(|what| (what, trial)));
        let found = match first {
            None => Found::Ok,
            // What holds a secret is not shown.
            Some((what, trial)) if number == 14 => Found::NotOk(format!("{}: {what}", trial.ask.op)),
            Some((what, trial)) => Found::NotOk(format!("{what}: {}", trial.seen())),
        };
        bench.found(number, found);
    }
}

fn lines(trial: &Trial) -> impl Iterator<Item = &[u8]> {
    // The mark is case 10's.
    let text = trial.stdout.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&trial.stdout);
    let lines = text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.filter(|line| !line.is_empty())
}

fn kind(line: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(line).ok()?;
    value.get("type")?.as_str().map(ToOwned::to_owned)
}

/// Whether the plugin ended by itself: what is cut off in the middle of a line is the kit's doing.
fn ended_itself(trial: &Trial) -> bool {
    trial.result.as_ref().is_ok_and(|ended| ended.stop.is_none())
}

fn objects_only(trial: &Trial) -> Option<String> {
    let stray = lines(trial).find(|line| kind(line).is_none()).filter(|_| ended_itself(trial))?;
    Some(format!("the line {:?} is no message", String::from_utf8_lossy(&stray[..stray.len().min(200)])))
}

fn encoding(trial: &Trial) -> Option<String> {
    if trial.stdout.starts_with(&[0xef, 0xbb, 0xbf]) {
        return Some("standard output begins with a byte order mark".to_owned());
    }
    std::str::from_utf8(&trial.stdout).err().filter(|_| ended_itself(trial)).map(|error| error.to_string())
}

fn short_lines(trial: &Trial) -> Option<String> {
    let long = lines(trial).find(|line| line.len() > MAX_LINE_BYTES)?;
    Some(format!("a line is {} bytes long", long.len()))
}

fn one_result(trial: &Trial) -> Option<String> {
    if !ended_itself(trial) {
        return None;
    }
    let kinds: Vec<_> = lines(trial).filter_map(kind).collect();
    let is_last = |kind: &String| kind == "result" || kind == "unsupported";
    if kinds.iter().filter(|kind| is_last(kind)).count() != 1 || !kinds.last().is_some_and(is_last) {
        return Some(format!("the messages are {}", kinds.join(", ")));
    }
    let begins = kinds.first().is_some_and(|kind| kind == "hello" || kind == "unsupported");
    if !begins {
        return Some(format!("the first message is {}", kinds[0]));
    }
    let is_malformed = |line: &&[u8]| {
        kind(line).is_some_and(|kind| PluginMessage::TYPES.contains(&kind.as_str()))
            && serde_json::from_slice::<PluginMessage>(line).is_err()
    };
    let malformed = lines(trial).find(is_malformed)?;
    let why = serde_json::from_slice::<PluginMessage>(malformed).err()?;
    Some(format!("the line {:?} does not fit the schema: {why}", String::from_utf8_lossy(malformed)))
}

fn exit_code(trial: &Trial) -> Option<String> {
    let ended = trial.result.as_ref().ok()?;
    (ended.stop.is_none() && ended.end != End::Code(0)).then(|| "it did not end with exit code 0".to_owned())
}

fn orphans(trial: &Trial) -> Option<String> {
    let left = trial.result.as_ref().ok()?.left_behind;
    (left > 0).then(|| format!("{left} processes were left behind"))
}
