//! `rsync`: one folder into another, here or over ssh or to a daemon.

mod plan;
mod settings;

use std::path::Path;

use strongroom_plugin::protocol::{Describe, Evidence, Outcome, Problem, ReadBack, Report, Request, Retry};
use strongroom_plugin::{Plugin, Speaker};

use crate::around::Around;
use crate::config::{describe, problem, read, unusable};
use crate::local;
use crate::preflight;
use crate::proof::Base;
use crate::report::{not_started, of_run};
use crate::rsync::settings::{Place, Settings};
use crate::state::State;
use crate::tool::{Call, output, read_run};
use strongroom_toollog::Tool::Rsync as RSYNC;

/// Older releases have no `--no-h`, and print counts otherwise.
const MIN_VERSION: (u32, u32) = (3, 1);

/// The kind.
#[derive(Debug)]
pub(crate) struct Rsync {
    around: Around,
}

impl Rsync {
    pub(crate) const fn new(around: Around) -> Self {
        Self { around }
    }

    fn call(&self, settings: &Settings) -> Option<Call> {
        self.around.find(&settings.executable).map(Call::new)
    }

    /// What must hold before anything is written.
    fn ready(settings: &Settings) -> Result<(), Box<Report>> {
        match (settings.source(), settings.target()) {
            (Place::Local(source), Place::Local(target)) => preflight::ready(source, target),
            (Place::Local(source), Place::Remote) => {
                preflight::source_ready(source)?;
                if crate::proof::has_a_file(source).unwrap_or(false) {
                    return Ok(());
                }
                Err(Box::new(preflight::source_empty()))
            }
            (Place::Remote, _) => Ok(()),
        }
    }
}

impl Plugin for Rsync {
    fn describe(&self) -> Describe {
        let example = serde_json::json!({"source": "{source}", "target": "{target}", "delete": true});
        describe::<Settings>("rsync", &[], true, example)
    }

    fn validate(&self, request: &Request, speaker: &Speaker) -> Vec<Problem> {
        let settings: Settings = match read(request) {
            Ok(settings) => settings,
            Err(problem) => return vec![problem],
        };
        let mut problems = settings.problems();
        if let (Place::Local(source), Place::Local(target)) = (settings.source(), settings.target()) {
            problems.extend(preflight::pair(source, target));
        }
        let Some(call) = self.call(&settings) else {
            problems.push(problem(
                "/executable",
                "rsync is not installed",
                "install Debian's package rsync, or name the executable",
            ));
            return problems;
        };
        let found =
            output(&call.args(["--version"]).quietly(), speaker).ok().and_then(|(_, text)| settings::version(&text));
        match found {
            Some(version) if version < MIN_VERSION => problems.push(problem(
                "/executable",
                format!("rsync {}.{} is too old: 3.1 or later is needed", version.0, version.1),
                "install a later release",
            )),
            Some(_) => {}
            None => {
                problems.push(problem(
                    "/executable",
                    "it does not say that it is rsync 3",
                    "name rsync 3's executable",
                ));
            }
        }
        problems
    }

    fn plan(&self, request: &Request, speaker: &Speaker) -> Report {
        let settings: Settings = match read(request) {
            Ok(settings) => settings,
            Err(problem) => return unusable(&problem),
        };
        if let Err(report) = Self::ready(&settings) {
            return *report;
        }
        let Some(call) = self.call(&settings) else { return missing() };
        let call = call.args(settings.args(&["--dry-run"], settings.delete));
        match read_run(&call, speaker, "planning") {
            Ok((ended, run)) => of_run(&run, ended, RSYNC, settings.source().local(), speaker),
            Err(error) => not_started(&call.program, &error),
        }
    }

    fn run(&self, request: &Request, speaker: &Speaker) -> Report {
        let settings: Settings = match read(request) {
            Ok(settings) => settings,
            Err(problem) => return unusable(&problem),
        };
        if let Err(report) = Self::ready(&settings) {
            return *report;
        }
        if self.call(&settings).is_none() {
            return missing();
        }
        let mut state = State::of(request);
        let began_at_s = self.around.now_s();
        let report = plan::transfer(&settings, request, &state, speaker, || {
            self.call(&settings).expect("it was found a moment ago")
        });
        if matches!(report.outcome, Outcome::Done | Outcome::Nothing | Outcome::Partial) {
            state.transferred_at_s = Some(began_at_s);
            state.seen = Some(report.counts.seen);
            if settings.delete {
                state.deleted(report.counts.deleted);
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
        match (settings.source(), settings.target()) {
            (Place::Local(source), Place::Local(target))
                if settings.exclude.is_empty() && settings.options.is_empty() =>
            {
                local::verify(request, &self.around, speaker, (source, target), settings.proof, Base::Source, 0)
            }
            (Place::Local(source), Place::Local(target)) => {
                self.verify_filtered(request, speaker, &settings, source, target)
            }
            _ => self.verify_by_tool(&settings, speaker),
        }
    }
}

impl Rsync {
    /// Which files belong to the copy only rsync knows: it lists those that are missing; what is there is read by us.
    fn verify_filtered(
        &self,
        request: &Request,
        speaker: &Speaker,
        settings: &Settings,
        source: &Path,
        target: &Path,
    ) -> Report {
        let Some(call) = self.call(settings) else { return missing() };
        let call = call.args(settings.args(&["--dry-run", "--ignore-existing"], false)).quietly();
        let absent = match read_run(&call, speaker, "looking for files without a copy") {
            Ok((ended, run)) => of_run(&run, ended, RSYNC, Some(source), speaker),
            Err(error) => return not_started(&call.program, &error),
        };
        if !matches!(absent.outcome, Outcome::Done | Outcome::Nothing) {
            return absent;
        }
        let absent = absent.counts.copied;
        local::verify(request, &self.around, speaker, (source, target), settings.proof, Base::Target, absent)
    }

    /// `rsync -c`: both sides compute the checksums of all files, each where it is.
    fn verify_by_tool(&self, settings: &Settings, speaker: &Speaker) -> Report {
        let Some(call) = self.call(settings) else { return missing() };
        let call = call.args(settings.args(&["--dry-run", "--checksum"], false));
        let (ended, run) = match read_run(&call, speaker, "comparing checksums") {
            Ok(done) => done,
            Err(error) => return not_started(&call.program, &error),
        };
        let mut report = of_run(&run, ended, RSYNC, settings.source().local(), speaker);
        if !matches!(report.outcome, Outcome::Done | Outcome::Nothing) {
            return report;
        }
        let counts = report.counts;
        report.counts.copied = 0;
        report.counts.mismatched = counts.copied;
        report.counts.skipped = 0;
        report.counts.proven = counts.seen - counts.copied;
        if counts.seen == 0 {
            return Report { tool: report.tool, ..preflight::nothing_to_prove() };
        }
        if counts.copied > 0 {
            report.outcome = Outcome::Failed;
            report.cause = Some("differs".to_owned());
            report.next_step = Some("run the job again, then prove it again".to_owned());
            report.sentence = format!(
                "{} differ from the source or have no copy, by rsync's checksums.",
                strongroom_model::text::files(counts.copied)
            );
            return report;
        }
        report.outcome = Outcome::Done;
        report.sentence = format!(
            "{} proven by rsync's checksums, computed on both sides; the far side may have read its cache.",
            strongroom_model::text::files(counts.seen)
        );
        report.evidence = Some(Evidence {
            method: "tool".to_owned(),
            read_back: ReadBack::Remote,
            files: counts.seen,
            coverage: Some("every file was compared".to_owned()),
            ..Evidence::default()
        });
        report
    }
}

fn missing() -> Report {
    Report::new(Outcome::Failed, "It did not start: rsync is not installed.")
        .because("tool-missing")
        .next_step("install Debian's package rsync")
        .retry(Retry::Never)
}
