//! What a plugin did wrong, or did not do.

use strongroom_model::text::printable;

use super::{End, Facts, Stop, shown};
use crate::host::seen::Seen;
use crate::protocol::{MAX_SENTENCE_CHARS, Outcome, Report, Retry};

/// A plugin that breaks the rules does so again: a person is needed.
fn protocol(sentence: impl Into<String>) -> Report {
    Report::new(Outcome::Failed, sentence)
        .because("plugin-protocol")
        .retry(Retry::Never)
        .next_step("try the plugin with `strongroom plugin test`, and tell its author what fails")
}

/// What broke the protocol, if anything did.
pub(super) fn fault(seen: &Seen, facts: &Facts<'_>) -> Option<Report> {
    if let Some(hello) = &seen.hello
        && !facts.offered.contains(&hello.protocol)
    {
        let sentence = format!("The plugin speaks version {} of the protocol, which was not offered.", hello.protocol);
        return Some(protocol(sentence).next_step("install a version of the plugin that fits this Strongroom"));
    }
    if seen.is_hello_late {
        return Some(protocol("The plugin's first message is not `hello`."));
    }
    if seen.results > 1 {
        return Some(protocol(format!("The plugin said {} results; one is due.", seen.results)));
    }
    if let Some(why) = &seen.bad_result {
        return Some(protocol(printable(&format!("The plugin's result cannot be read: {why}"), MAX_SENTENCE_CHARS)));
    }
    if seen.messages_after_result > 0 {
        return Some(protocol(format!("The plugin said {} messages after its result.", seen.messages_after_result)));
    }
    None
}

/// What the host had to stop for the plugin's own fault.
pub(super) fn stopped(stop: Stop) -> Option<Report> {
    Some(match stop {
        Stop::NoHello(after) => protocol(format!("The plugin did not say `hello` within {}.", shown(after))),
        Stop::TooMuchOutput(bytes) => {
            protocol(format!("The plugin printed more than {} MiB on standard output.", bytes >> 20))
                .next_step("have the plugin write bulk output to standard error or to a file")
        }
        Stop::WorkdirFull(bytes) => {
            Report::new(Outcome::Failed, format!("The plugin's working directory grew beyond {} MiB.", bytes >> 20))
                .because("plugin-workdir-full")
                .retry(Retry::Never)
                .next_step("have the plugin keep less there, or raise the bound")
        }
        // Its result is judged by how the process then ended.
        Stop::Lingered(_) | Stop::Cancelled | Stop::TimedOut(_) => return None,
    })
}

/// No result came.
pub(super) fn without_result(seen: &Seen, facts: &Facts<'_>) -> Report {
    let last = facts.last_lines.iter().rev().find(|line| !line.trim().is_empty());
    let why = match last {
        Some(line) => format!(": {line}"),
        None if facts.looks_like_utf16 => ": its output looks like UTF-16, and messages are UTF-8".to_owned(),
        None if seen.cut_lines > 0 => ": a line was longer than 64 KiB, and was cut".to_owned(),
        None => String::new(),
    };
    let (cause, how) = match facts.end {
        End::Code(0) => ("plugin-silent", "ended without a result".to_owned()),
        End::Code(code) => ("plugin-crashed", format!("ended with code {code} and without a result")),
        End::Signal(signal) => ("plugin-crashed", format!("was ended by signal {signal}, without a result")),
        End::Stuck => ("plugin-crashed", "does not end".to_owned()),
    };
    Report::new(Outcome::Failed, printable(&format!("The plugin {how}{why}"), MAX_SENTENCE_CHARS))
        .because(cause)
        .retry(Retry::Later)
        .next_step("read the run's detail, which has what the plugin printed")
}
