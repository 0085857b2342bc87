//! `check`: a plugin of Nagios, Icinga or Checkmk: one line of text, and an exit code from 0 to 3.
//!
//! Source: nagios-plugins.org, *Plugin development guidelines*, *Plugin return codes*.

use std::sync::{Mutex, PoisonError};

use schemars::JsonSchema;
use serde::Deserialize;
use strongroom_model::text::printable;
use strongroom_plugin::protocol::{Describe, Level, Outcome, Problem, Report, Request, Retry, Tool};
use strongroom_plugin::{Plugin, Speaker};

use crate::around::Around;
use crate::config::{describe, problem, read, unusable};
use crate::report::{bounded, cancelled, not_started};
use crate::tool::{Call, Stream};

/// Nagios itself keeps 4 KiB of a plugin's text.
const MAX_TEXT_BYTES: usize = 4 * 1024;

/// The settings of a job of the kind `check`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The plugin and its arguments, one by one; there is no shell.
    #[schemars(length(min = 1))]
    argv: Vec<String>,
}

/// The kind.
#[derive(Debug)]
pub(crate) struct Check {
    around: Around,
}

impl Check {
    pub(crate) const fn new(around: Around) -> Self {
        Self { around }
    }
}

impl Plugin for Check {
    fn describe(&self) -> Describe {
        let example = serde_json::json!({"argv": ["/usr/lib/nagios/plugins/check_disk", "-w", "10%"]});
        let operations = ["describe", "validate", "run"].map(str::to_owned).to_vec();
        Describe { operations, ..describe::<Settings>("check", &[], false, example) }
    }

    fn validate(&self, request: &Request, _: &Speaker) -> Vec<Problem> {
        let settings: Settings = match read(request) {
            Ok(settings) => settings,
            Err(problem) => return vec![problem],
        };
        match settings.argv.first() {
            None => vec![problem("/argv", "it is empty", "name the plugin and its arguments")],
            Some(program) if self.around.find(program).is_none() => {
                let message = format!("the plugin {} is not there", printable(program, 200));
                vec![problem(
                    "/argv/0",
                    message,
                    "install it (Debian's package monitoring-plugins), or correct its path",
                )]
            }
            Some(_) => Vec::new(),
        }
    }

    fn run(&self, request: &Request, speaker: &Speaker) -> Report {
        let settings: Settings = match read(request) {
            Ok(settings) => settings,
            Err(problem) => return unusable(&problem),
        };
        let found = settings.argv.split_first().and_then(|(program, args)| Some((self.around.find(program)?, args)));
        let Some((program, args)) = found else {
            return Report::new(Outcome::Failed, "It did not start: the plugin is not there.")
                .because("tool-missing")
                .next_step("install it, or correct its path")
                .retry(Retry::Never);
        };
        let call = Call::new(program).args(args).silently();
        let kept = Mutex::new(Vec::new());
        let progress = crate::progress::Progress::new(speaker, "checking");
        let each = |stream, lines: &[u8]| {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let room = MAX_TEXT_BYTES.saturating_sub(kept.len());
            if stream == Stream::Out {
                kept.extend_from_slice(&lines[..lines.len().min(room)]);
            }
        };
        let ended = match crate::tool::run(&call, speaker, &progress, &each) {
            Ok(ended) => ended,
            Err(error) => return not_started(&call.program, &error),
        };
        let text = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut report = judge(ended.code, &String::from_utf8_lossy(&text), speaker);
        let name = call.program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        report.tool = Some(Tool { name, version: None, exit_code: (ended.code >= 0).then_some(ended.code) });
        if ended.is_cancelled { cancelled(&report) } else { report }
    }
}

/// The first line is the sentence; what stands behind `|` are figures.
fn judge(code: i64, text: &str, speaker: &Speaker) -> Report {
    let first = text.lines().next().unwrap_or_default();
    let (sentence, figures) = first.split_once('|').unwrap_or((first, ""));
    if !figures.trim().is_empty() {
        speaker.log(Level::Info, format!("figures: {}", printable(figures.trim(), 1_000)));
    }
    let sentence = match sentence.trim() {
        "" => format!("The check said nothing (code {code})."),
        sentence => bounded(&printable(sentence, 250)),
    };
    match code {
        0 => Report::new(Outcome::Done, sentence),
        1 => Report::new(Outcome::Partial, sentence).because("check-warning").retry(Retry::Later),
        2 => Report::new(Outcome::Failed, sentence).because("check-critical").retry(Retry::Later),
        3 => Report::new(Outcome::Obstructed, sentence).because("check-unknown").retry(Retry::Later),
        code => Report::new(Outcome::Failed, bounded(&format!("{sentence} (code {code}, which no check has)")))
            .because("tool-failed")
            .retry(Retry::Never),
    }
}
