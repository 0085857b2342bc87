//! Serves one request.

use std::io::{BufRead, BufReader, Read, Write};
use std::thread;

use serde_json::Value;

use super::{Cancelled, Plugin, Speaker};
use crate::protocol::{
    Describe, HostMessage, MAX_REQUEST_BYTES, Operation, Outcome, PluginMessage, Problem, Report, Request, Unsupported,
    VERSION,
};

/// The exit code after a `result` or `unsupported`.
const WELL: u8 = 0;
/// The exit code if standard input had no request: somebody started the plugin by hand (`EX_USAGE` of sysexits.h).
const NO_REQUEST: u8 = 64;

/// Serves one request on the process's own standard input and output; the exit code. SIGTERM cancels.
#[must_use]
pub fn serve_stdio(plugin: &impl Plugin) -> u8 {
    let cancelled = Cancelled::new();
    let set = cancelled.clone();
    // Without the handler the signal ends the process at once, which a host reads as cancelled too.
    let _ = strongroom_service::terminate::on_terminate(move || set.set());
    serve(plugin, std::io::stdin(), std::io::stdout(), cancelled)
}

/// Serves one request; the exit code. Lines after the request are read by a thread of its own, which ends with
/// `stdin`.
#[must_use]
pub fn serve(
    plugin: &impl Plugin,
    stdin: impl Read + Send + 'static,
    stdout: impl Write + Send + 'static,
    cancelled: Cancelled,
) -> u8 {
    let mut stdin = BufReader::new(stdin);
    let speaker = Speaker::new(stdout, cancelled.clone());
    let Some(incoming) = line(&mut stdin).and_then(|line| Incoming::read(&line)) else {
        speaker.say(&PluginMessage::Unsupported(Unsupported { protocol: vec![VERSION] }));
        return NO_REQUEST;
    };
    thread::spawn(move || watch(&mut stdin, &cancelled));
    answer(plugin, incoming, &speaker);
    WELL
}

/// What the first line asks for.
enum Incoming {
    /// None of the offered versions is ours.
    OtherVersion,
    /// By a name that this version does not have.
    OtherOperation,
    Operation(Operation, Box<Request>),
}

impl Incoming {
    /// Only what every version must have is read before the version is known.
    fn read(line: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(line).ok()?;
        let offered = value.get("protocol")?.as_array()?;
        let op = value.get("op")?.as_str()?;
        if value.get("type")? != "request" {
            return None;
        }
        if !offered.contains(&Value::from(VERSION)) {
            return Some(Self::OtherVersion);
        }
        let Some(operation) = Operation::named(op) else { return Some(Self::OtherOperation) };
        let request = serde_json::from_value(value).ok()?;
        Some(Self::Operation(operation, Box::new(request)))
    }
}

/// The next line without its end; `None`: there is none, or it is longer than a request may be.
fn line(from: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    let bound = u64::try_from(MAX_REQUEST_BYTES).expect("the bound is small");
    from.by_ref().take(bound).read_until(b'\n', &mut line).ok()?;
    (!line.is_empty()).then_some(line)
}

/// The end of standard input is no reason to cancel: a host need not keep it open.
fn watch(from: &mut impl BufRead, cancelled: &Cancelled) {
    while let Some(line) = line(from) {
        if let Ok(HostMessage::Cancel(_)) = serde_json::from_slice(&line) {
            cancelled.set();
        }
    }
}

fn answer(plugin: &impl Plugin, incoming: Incoming, speaker: &Speaker) {
    let unsupported = |protocol| speaker.say(&PluginMessage::Unsupported(Unsupported { protocol }));
    let (operation, request) = match incoming {
        Incoming::OtherVersion => return unsupported(vec![VERSION]),
        Incoming::OtherOperation => return unsupported(Vec::new()),
        Incoming::Operation(operation, request) => (operation, request),
    };
    let describe = plugin.describe();
    if !describe.operations.iter().any(|known| known == operation.name()) {
        return unsupported(Vec::new());
    }
    speaker.say(&PluginMessage::Hello(crate::protocol::Hello {
        protocol: VERSION,
        name: describe.name.clone(),
        version: describe.version.clone(),
    }));
    let report = match operation {
        Operation::Describe => described(describe),
        Operation::Validate => validated(plugin.validate(&request, speaker)),
        Operation::Plan => plugin.plan(&request, speaker),
        Operation::Run => plugin.run(&request, speaker),
        Operation::Verify => plugin.verify(&request, speaker),
    };
    speaker.say(&PluginMessage::Result(Box::new(report)));
}

fn described(describe: Describe) -> Report {
    let sentence = format!("{} {}", describe.name, describe.version);
    Report { describe: Some(describe), ..Report::new(Outcome::Done, sentence) }
}

fn validated(problems: Vec<Problem>) -> Report {
    match problems.first() {
        None => Report::new(Outcome::Done, "The configuration is valid."),
        Some(first) => {
            let report = Report::new(Outcome::Failed, first.message.clone()).because("config-invalid");
            Report { problems, ..report }
        }
    }
}
