//! The host's verdict on a run. A plugin's own word is only ever made worse.

mod faults;
mod numbers;

use std::time::Duration;

use strongroom_model::text::with_full_stop;

use super::seen::Seen;
use crate::protocol::{Operation, Outcome, Report, Retry};

/// How the process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Not at all: it survived its killing, in a system call that does not end.
    Stuck,
}

/// Why the host ended the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It was asked to.
    Cancelled,
    /// After the whole time that an operation may take.
    TimedOut(Duration),
    /// No `hello` came in this time.
    NoHello(Duration),
    /// After so many bytes on standard output.
    TooMuchOutput(u64),
    /// After so many bytes in its working directory.
    WorkdirFull(u64),
    /// Still there this long after its result.
    Lingered(Duration),
}

/// What the verdict needs beside what was said.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) operation: Option<Operation>,
    pub(super) offered: &'a [u32],
    pub(super) max_delete: u64,
    pub(super) end: End,
    pub(super) stop: Option<Stop>,
    /// It did not end when it was asked to, but by force.
    pub(super) was_killed: bool,
    /// Processes that it left behind.
    pub(super) left_behind: usize,
    /// The last lines of standard error.
    pub(super) last_lines: &'a [String],
    pub(super) looks_like_utf16: bool,
}

/// The host's verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// How the operation ended, with the plugin's own sentence where the host agrees.
    pub report: Report,
    /// What else a person should know, a sentence each.
    pub notes: Vec<String>,
}

/// Judges. The worst of what was seen decides.
pub(super) fn judge(seen: &Seen, facts: &Facts<'_>) -> Verdict {
    let mut notes = Vec::new();
    let mut report = if let Some(stopped) = stopped(seen, facts) {
        stopped
    } else if let Some(unsupported) = unsupported(seen, facts) {
        unsupported
    } else if let Some(fault) = faults::fault(seen, facts) {
        fault
    } else if let Some(result) = &seen.result {
        ended(result.clone(), seen, facts, &mut notes)
    } else {
        faults::without_result(seen, facts)
    };
    note(seen, facts, &mut notes);
    // They are shown one after the other. What describes or validates itself is shown alone.
    if matches!(facts.operation, Some(Operation::Plan | Operation::Run | Operation::Verify)) {
        report.sentence = with_full_stop(&report.sentence);
    }
    Verdict { report, notes: notes.iter().map(|note| with_full_stop(note)).collect() }
}

/// A run that the host ended is cancelled, never failed by the plugin's fault, unless its fault was the reason. What
/// was completed all the same stands.
fn stopped(seen: &Seen, facts: &Facts<'_>) -> Option<Report> {
    let stop = facts.stop?;
    let (cause, sentence) = match stop {
        Stop::Cancelled => ("cancelled", "The run was cancelled.".to_owned()),
        Stop::TimedOut(after) => ("timeout", format!("The run took longer than {} and was cancelled.", shown(after))),
        _ => return faults::stopped(stop),
    };
    let is_clean = faults::fault(seen, facts).is_none() && facts.end == End::Code(0) && !facts.was_killed;
    if let Some(result) = seen.result.as_ref().filter(|_| is_clean) {
        match result.outcome {
            Outcome::Done | Outcome::Nothing => return None,
            Outcome::Cancelled => {
                let mut report = result.clone();
                report.cause.get_or_insert_with(|| cause.to_owned());
                return Some(report);
            }
            _ => {}
        }
    }
    let mut report = Report::new(Outcome::Cancelled, sentence).because(cause);
    if let Some(said) = &seen.result {
        (report.counts, report.bytes, report.tool) = (said.counts, said.bytes, said.tool.clone());
    }
    if facts.was_killed {
        report.sentence.push_str(" It did not end when it was asked to, and was ended by force.");
    }
    Some(report)
}

/// `90 s` as `1 min 30 s`; milliseconds below a second.
fn shown(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => format!("{} ms", time.as_millis()),
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

fn unsupported(seen: &Seen, facts: &Facts<'_>) -> Option<Report> {
    let unsupported = seen.unsupported.as_ref().filter(|_| seen.results == 0)?;
    if unsupported.protocol.is_empty() && facts.operation == Some(Operation::Verify) {
        // That is no fault: a check has nothing to prove, and a plugin may leave the operation out.
        return Some(
            Report::new(Outcome::Failed, "There is no proof for this kind of job.")
                .because("unsupported")
                .retry(Retry::Never),
        );
    }
    let sentence = if unsupported.protocol.is_empty() {
        "The plugin does not support this operation.".to_owned()
    } else {
        let versions: Vec<_> = unsupported.protocol.iter().take(10).map(ToString::to_string).collect();
        format!("The plugin speaks version {} of the protocol, and not ours.", versions.join(", "))
    };
    Some(
        Report::new(Outcome::Failed, sentence)
            .because("unsupported")
            .retry(Retry::Never)
            .next_step("install a version of the plugin that fits this Strongroom"),
    )
}

/// A result came, once, in order. Its own word, made worse by how the process ended and by its numbers.
fn ended(mut report: Report, seen: &Seen, facts: &Facts<'_>, notes: &mut Vec<String>) -> Report {
    let said = report.outcome;
    numbers::check(&mut report, seen, facts, notes);
    let how = match facts.end {
        End::Code(0) => return report,
        End::Code(code) => format!("then ended with code {code}"),
        End::Signal(signal) => format!("was then ended by signal {signal}"),
        End::Stuck => "then did not end".to_owned(),
    };
    notes.push(format!("The plugin said {}, and {how}.", said.name()));
    if report.outcome != Outcome::Failed {
        report.outcome = Outcome::Failed;
        report.sentence = format!("The plugin said {}, and {how}.", said.name());
        report.cause = Some("plugin-crashed".to_owned());
        report.retry = Some(Retry::Later);
    }
    report
}

/// What is no reason for another verdict.
fn note(seen: &Seen, facts: &Facts<'_>, notes: &mut Vec<String>) {
    let mut say = |number: u64, text: &str| {
        if number > 0 {
            notes.push(text.replace("{}", &number.to_string()));
        }
    };
    say(seen.stray_lines, "Lines on standard output that are no messages: {}.");
    say(seen.cut_lines, "Lines that were longer than 64 KiB, and were cut: {}.");
    say(seen.malformed, "Messages that could not be read: {}.");
    say(facts.left_behind as u64, "Processes that the plugin left behind, and that were ended: {}.");
    if let Some(Stop::Lingered(after)) = facts.stop {
        notes.push(format!("The plugin was still there {} after its result, and was ended.", shown(after)));
    }
    if seen.is_state_too_large {
        notes.push("The plugin's state is larger than 16 KiB, and was not kept.".to_owned());
    }
    if facts.looks_like_utf16 {
        notes.push("Standard output looks like UTF-16; messages are UTF-8.".to_owned());
    }
}

#[cfg(test)]
mod tests;
