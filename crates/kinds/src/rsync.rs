//! `rsync`: one folder into another, here or over ssh or to a daemon.

mod plan;
mod settings;

use std::path::Path;

use strongroom_plugin::protocol::{Describe, Evidence, Outcome, Problem, ReadBack, Report, Request};
use strongroom_plugin::{Plugin, Speaker};
use strongroom_toollog::Tool::Rsync as RSYNC;

use crate::around::Around;
use crate::config::{self, describe};
use crate::local;
use crate::place::{self, Place};
use crate::preflight;
use crate::proof::Base;
use crate::report::{not_installed, of_call, report_of};
use crate::rsync::settings::Settings;
use crate::state::State;
use crate::tool::Call;
use crate::version::{self, Version};

/// Older releases have no `--no-h`, and print counts otherwise.
const MIN_VERSION: Version = (3, 1);

/// The kind.
#[derive(Debug)]
pub(crate) struct Rsync {
    around: Around,
}

impl Rsync {
    pub(crate) const fn new(around: Around) -> Self {
        Self { around }
    }

    fn call(&self, settings: &Settings) -> Result<Call, Box<Report>> {
        let program = self.around.find(&settings.executable);
        program.map(Call::new).ok_or_else(|| Box::new(not_installed(RSYNC)))
    }
}

impl Plugin for Rsync {
    fn describe(&self) -> Describe {
        let example = serde_json::json!({"source": "{source}", "target": "{target}", "delete": true});
        describe::<Settings>("rsync", &[], true, example)
    }

    fn validate(&self, request: &Request, speaker: &Speaker) -> Vec<Problem> {
        let settings: Settings = match config::read(request) {
            Ok(settings) => settings,
            Err(problem) => return vec![problem],
        };
        let mut problems = settings.problems();
        problems.extend(place::problems(settings.source(), settings.target()));
        let call = self.call(&settings).ok().map(|call| call.args(["--version"]));
        problems.extend(version::check(RSYNC, call, MIN_VERSION, settings::version, speaker).err());
        problems
    }

    fn plan(&self, request: &Request, speaker: &Speaker) -> Report {
        report_of(|| {
            let settings: Settings = config::settings(request)?;
            place::ready(settings.source(), settings.target())?;
            let call = self.call(&settings)?.args(settings.args(&["--dry-run"], settings.delete));
            Ok(of_call(&call, RSYNC, "planning", settings.source().local(), speaker))
        })
    }

    fn run(&self, request: &Request, speaker: &Speaker) -> Report {
        report_of(|| {
            let settings: Settings = config::settings(request)?;
            place::ready(settings.source(), settings.target())?;
            let call = self.call(&settings)?;
            let mut state = State::of(request);
            let began_at_s = self.around.now_s();
            let report = plan::transfer(&settings, request, &state, speaker, &call);
            state.transferred(&report, began_at_s, settings.delete);
            state.say(speaker);
            Ok(report)
        })
    }

    fn verify(&self, request: &Request, speaker: &Speaker) -> Report {
        report_of(|| {
            let settings: Settings = config::settings(request)?;
            match (settings.source(), settings.target()) {
                (Place::Local(source), Place::Local(target)) if settings.is_whole() => {
                    let pair = (source, target);
                    Ok(local::verify(request, &self.around, speaker, pair, settings.proof, Base::Source, 0))
                }
                (Place::Local(source), Place::Local(target)) => {
                    self.verify_filtered(request, speaker, &settings, (source, target))
                }
                _ => self.verify_by_tool(&settings, speaker),
            }
        })
    }
}

impl Rsync {
    /// Which files belong to the copy only rsync knows: it lists those that are missing; what is there is read by us.
    fn verify_filtered(
        &self,
        request: &Request,
        speaker: &Speaker,
        settings: &Settings,
        pair: (&Path, &Path),
    ) -> Result<Report, Box<Report>> {
        let call = self.call(settings)?.args(settings.args(&["--dry-run", "--ignore-existing"], false)).quietly();
        let absent = of_call(&call, RSYNC, "looking for files without a copy", Some(pair.0), speaker);
        if !matches!(absent.outcome, Outcome::Done | Outcome::Nothing) {
            return Ok(absent);
        }
        let absent = absent.counts.copied;
        Ok(local::verify(request, &self.around, speaker, pair, settings.proof, Base::Target, absent))
    }

    /// `rsync -c`: both sides compute the checksums of all files, each where it is.
    fn verify_by_tool(&self, settings: &Settings, speaker: &Speaker) -> Result<Report, Box<Report>> {
        let call = self.call(settings)?.args(settings.args(&["--dry-run", "--checksum"], false));
        let mut report = of_call(&call, RSYNC, "comparing checksums", settings.source().local(), speaker);
        if !matches!(report.outcome, Outcome::Done | Outcome::Nothing) {
            return Ok(report);
        }
        let counts = report.counts;
        report.counts.copied = 0;
        report.counts.mismatched = counts.copied;
        report.counts.skipped = 0;
        report.counts.proven = counts.seen - counts.copied;
        if counts.seen == 0 {
            return Ok(Report { tool: report.tool, ..preflight::nothing_to_prove() });
        }
        if counts.copied > 0 {
            report.outcome = Outcome::Failed;
            report.cause = Some("differs".to_owned());
            report.next_step = Some("run the job again, then prove it again".to_owned());
            report.sentence = format!(
                "{} differ from the source or have no copy, by rsync's checksums.",
                strongroom_model::text::files(counts.copied)
            );
            return Ok(report);
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
        Ok(report)
    }
}
