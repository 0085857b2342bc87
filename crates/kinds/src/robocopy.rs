//! `robocopy`: one folder into another on Windows.
//!
//! Its log is read from a file in UTF-16, since a console's code page loses letters, and by position, since each
//! Windows prints it in its own language.

mod settings;

use std::fs::File;
use std::path::Path;

use strongroom_plugin::protocol::{Describe, Outcome, Problem, Report, Request, Retry};
use strongroom_plugin::{Plugin, Speaker};
use strongroom_toollog::Tool::Robocopy as ROBOCOPY;

use crate::around::Around;
use crate::brake::{refused, within_bounds};
use crate::config::{self, describe, problem};
use crate::local;
use crate::preflight;
use crate::progress::Progress;
use crate::proof::Base;
use crate::report::{failed, not_started, of_run, report_of};
use crate::robocopy::settings::Settings;
use crate::state::State;
use crate::tool::{self, Call};

/// The kind.
#[derive(Debug)]
pub(crate) struct Robocopy {
    around: Around,
}

impl Robocopy {
    pub(crate) const fn new(around: Around) -> Self {
        Self { around }
    }

    /// One call, whose log is read once it has ended.
    fn call(&self, settings: &Settings, request: &Request, speaker: &Speaker, step: &Step<'_>) -> Report {
        let Some(program) = self.around.find(&settings.executable) else { return missing() };
        let log = Path::new(&request.workdir).join(format!("{}.log", step.name));
        // Its lines go into the log, and a file of hours has no line.
        let call = Call::new(program).args(settings.args(&log, step.more, step.mirrors)).silently();
        let progress = Progress::new(speaker, step.phase);
        let ended = match tool::run(&call, speaker, &progress, &|_, _| ()) {
            Ok(ended) => ended,
            Err(error) => return not_started(&call.program, &error),
        };
        // Without a log, its exit code is all there is.
        let run = match File::open(&log) {
            Ok(log) => strongroom_toollog::read(log),
            Err(_) => strongroom_toollog::read(std::io::empty()),
        };
        match run {
            Ok(run) => {
                of_run(&run.with_exit_code(ended.code), ended, ROBOCOPY, Some(Path::new(&settings.source)), speaker)
            }
            Err(error) => failed("robocopy's log cannot be read", &error),
        }
    }
}

/// One of the calls that an operation makes.
struct Step<'a> {
    name: &'a str,
    phase: &'static str,
    more: &'a [&'a str],
    /// Whether what is only in the target is deleted.
    mirrors: bool,
}

const PLAN: Step<'_> = Step { name: "plan", phase: "planning", more: &["/L"], mirrors: true };
const COPY: Step<'_> = Step { name: "copy", phase: "copying", more: &[], mirrors: false };
const MIRROR: Step<'_> = Step { name: "mirror", phase: "copying and deleting", more: &[], mirrors: true };

impl Plugin for Robocopy {
    fn describe(&self) -> Describe {
        let example = serde_json::json!({"source": "{source}", "target": "{target}", "delete": true});
        Describe { platforms: vec!["windows".to_owned()], ..describe::<Settings>("robocopy", &[], true, example) }
    }

    fn validate(&self, request: &Request, _: &Speaker) -> Vec<Problem> {
        let settings: Settings = match config::read(request) {
            Ok(settings) => settings,
            Err(problem) => return vec![problem],
        };
        let mut problems = settings.problems();
        problems.extend(preflight::pair(Path::new(&settings.source), Path::new(&settings.target)));
        if self.around.find(&settings.executable).is_none() {
            problems.push(problem(
                "/executable",
                "robocopy is not there",
                "run the job on Windows, which has it, or name the executable",
            ));
        }
        problems
    }

    fn plan(&self, request: &Request, speaker: &Speaker) -> Report {
        report_of(|| {
            let settings: Settings = config::settings(request)?;
            preflight::ready(Path::new(&settings.source), Path::new(&settings.target))?;
            Ok(self.call(&settings, request, speaker, &Step { mirrors: settings.delete, ..PLAN }))
        })
    }

    fn run(&self, request: &Request, speaker: &Speaker) -> Report {
        report_of(|| {
            let settings: Settings = config::settings(request)?;
            preflight::ready(Path::new(&settings.source), Path::new(&settings.target))?;
            let mut state = State::of(request);
            let began_at_s = self.around.now_s();
            let report = self.transfer(&settings, request, speaker, &state);
            state.transferred(&report, began_at_s, settings.delete);
            state.say(speaker);
            Ok(report)
        })
    }

    fn verify(&self, request: &Request, speaker: &Speaker) -> Report {
        report_of(|| {
            let settings: Settings = config::settings(request)?;
            let pair = (Path::new(&settings.source), Path::new(&settings.target));
            let prove =
                |base, absent| local::verify(request, &self.around, speaker, pair, settings.proof, base, absent);
            if settings.is_whole() {
                return Ok(prove(Base::Source, 0));
            }
            // Which files belong to the copy only robocopy knows: it counts those that are missing or older.
            let absent = self.call(&settings, request, speaker, &Step { mirrors: false, ..PLAN });
            if absent.outcome > Outcome::Done {
                return Ok(absent);
            }
            Ok(prove(Base::Target, absent.counts.copied))
        })
    }
}

impl Robocopy {
    /// First a plain copy, whose table has how many files are only in the target. If there are any, the brake judges
    /// them, and only then a mirror deletes them.
    fn transfer(&self, settings: &Settings, request: &Request, speaker: &Speaker, state: &State) -> Report {
        let copied = self.call(settings, request, speaker, &COPY);
        if !settings.delete || copied.outcome > Outcome::Done || copied.counts.extra == 0 {
            return copied;
        }
        // The table counts files that a mirror deletes; the plan counts them once more, as a mirror sees them.
        let planned = self.call(settings, request, speaker, &PLAN);
        if planned.outcome > Outcome::Done {
            return planned;
        }
        if let Err(reason) = within_bounds(planned.counts.deleted, request.limits.max_delete, &state.deletions) {
            return refused(&reason).counts(copied.counts, copied.bytes);
        }
        let mut report = self.call(settings, request, speaker, &MIRROR);
        if report.outcome <= Outcome::Done {
            let deleted = report.counts.deleted;
            let files = strongroom_model::text::files;
            report.counts = copied.counts;
            (report.counts.deleted, report.counts.extra) = (deleted, 0);
            report.bytes = copied.bytes;
            report.outcome = Outcome::Done;
            report.sentence =
                format!("{} copied; {} deleted from the copy.", files(copied.counts.copied), files(deleted));
        }
        report
    }
}

fn missing() -> Report {
    Report::new(Outcome::Failed, "It did not start: robocopy is not there.")
        .because("tool-missing")
        .next_step("run the job on Windows")
        .retry(Retry::Never)
}
