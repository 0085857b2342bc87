//! `command`: any program, its exit codes as the settings say, and what is expected of its output.

mod expect;
mod settings;

use std::path::PathBuf;

use strongroom_model::text::{files, printable};
use strongroom_plugin::protocol::{
    Counts, Describe, Evidence, Outcome, Problem, ReadBack, Report, Request, Retry, Tool,
};
use strongroom_plugin::{Plugin, Speaker};

use crate::around::Around;
use crate::command::expect::{Found, judge};
use crate::command::settings::Settings;
use crate::config::{describe, problem, read, unusable};
use crate::progress::Progress;
use crate::proof::Method;
use crate::report::{bounded, cancelled, not_started};
use crate::state::State;
use crate::tool::{self, Call};

/// The kind.
#[derive(Debug)]
pub(crate) struct Command {
    around: Around,
}

impl Command {
    pub(crate) const fn new(around: Around) -> Self {
        Self { around }
    }

    fn call(&self, settings: &Settings) -> Option<Call> {
        let (program, args) = settings.argv.split_first()?;
        let mut call = Call::new(self.around.find(program)?).args(args).silently();
        call.folder = settings.folder.as_ref().map(PathBuf::from);
        Some(call)
    }
}

impl Plugin for Command {
    fn describe(&self) -> Describe {
        let example = serde_json::json!({
            "argv": ["/usr/local/bin/dump-database", "--to", "/srv/dumps"],
            "expect": {"files": "/srv/dumps/*.sql.gz", "begins_with": ["gzip"]}
        });
        describe::<Settings>("command", &[], false, example)
    }

    fn validate(&self, request: &Request, _: &Speaker) -> Vec<Problem> {
        let settings: Settings = match read(request) {
            Ok(settings) => settings,
            Err(problem) => return vec![problem],
        };
        let mut problems = settings.problems();
        if let Some(program) = settings.argv.first()
            && self.around.find(program).is_none()
        {
            let message = format!("the program {} is not there", printable(program, 200));
            problems.push(problem("/argv/0", message, "install it, or correct its path"));
        }
        problems
    }

    /// What a command would do only it knows.
    fn plan(&self, request: &Request, _: &Speaker) -> Report {
        match read::<Settings>(request) {
            Ok(settings) => {
                let argv = settings.argv.iter().map(|word| printable(word, 60)).collect::<Vec<_>>().join(" ");
                Report::new(Outcome::Done, bounded(&format!("It would run: {argv}. What that changes is not known.")))
            }
            Err(problem) => unusable(&problem),
        }
    }

    fn run(&self, request: &Request, speaker: &Speaker) -> Report {
        let settings: Settings = match read(request) {
            Ok(settings) => settings,
            Err(problem) => return unusable(&problem),
        };
        let Some(call) = self.call(&settings) else {
            return Report::new(Outcome::Failed, "It did not start: the program is not there.")
                .because("tool-missing")
                .next_step("install it, or correct its path")
                .retry(Retry::Never);
        };
        let mut state = State::of(request);
        state.transferred_at_s = Some(self.around.now_s());
        let progress = Progress::new(speaker, "running");
        let ended = match tool::run(&call, speaker, &progress, &|_, _| ()) {
            Ok(ended) => ended,
            Err(error) => return not_started(&call.program, &error),
        };
        let name = call.program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut report = settings.report_of(ended.code);
        report.tool = Some(Tool { name, version: None, exit_code: (ended.code >= 0).then_some(ended.code) });
        if ended.is_cancelled {
            return cancelled(&report);
        }
        if report.outcome == Outcome::Done
            && let Some(expected) = &settings.expect
        {
            match judge(expected, &state, state.transferred_at_s, speaker) {
                Ok(found) => {
                    state.sized(found.bytes);
                    report = report
                        .counts(Counts { seen: found.files, copied: found.files, ..Counts::default() }, found.bytes);
                    report.sentence = bounded(&format!("It ended well and wrote {}.", found.name));
                }
                Err(fault) => {
                    report.outcome = Outcome::Failed;
                    report.sentence = bounded(&format!("It ended well, but {}.", fault.words));
                    report.cause = Some(fault.cause.to_owned());
                    report.retry = Some(Retry::Later);
                }
            }
        }
        state.say(speaker);
        report
    }

    fn verify(&self, request: &Request, speaker: &Speaker) -> Report {
        let settings: Settings = match read(request) {
            Ok(settings) => settings,
            Err(problem) => return unusable(&problem),
        };
        let Some(expected) = &settings.expect else {
            return Report::new(Outcome::Partial, "It cannot be proven: the settings expect nothing of its output.")
                .because("not-proven")
                .next_step("say with `expect` what the command writes")
                .retry(Retry::Never);
        };
        let state = State::of(request);
        let mut usual = state.clone();
        // The newest size is this output's own.
        usual.sizes.pop();
        match judge(expected, &usual, state.transferred_at_s, speaker) {
            Ok(found) => proven(&found),
            Err(fault) => Report::new(Outcome::Failed, bounded(&format!("Not proven: {}.", fault.words)))
                .because(fault.cause)
                .counts(Counts { seen: 1, failed: 1, ..Counts::default() }, 0)
                .retry(Retry::Never),
        }
    }
}

fn proven(found: &Found) -> Report {
    let how = found.method.map_or("", Method::words);
    let sentence = format!("{} {}: {} ({how}).", files(found.files), "as expected", found.checks.join(", "));
    let counts = Counts { seen: found.files, proven: found.files, ..Counts::default() };
    let mut report = Report::new(Outcome::Done, bounded(&sentence)).counts(counts, found.bytes);
    report.evidence = Some(Evidence {
        method: if found.has_digest { "sha256" } else { "expectations" }.to_owned(),
        read_back: match found.method {
            Some(Method::Cached) => ReadBack::Cached,
            Some(_) => ReadBack::Device,
            None => ReadBack::Unknown,
        },
        files: found.files,
        bytes: found.bytes,
        coverage: Some("the newest output was read to its end".to_owned()),
        ..Evidence::default()
    });
    report
}
