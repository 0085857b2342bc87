//! `restic`: snapshots of folders in a repository.

mod sample;
mod settings;

use strongroom_model::text::grouped;
use strongroom_plugin::protocol::{
    Counts, Describe, Evidence, Level, Outcome, Problem, ReadBack, Report, Request, Retry, Sample,
};
use strongroom_plugin::{Plugin, Speaker};
use strongroom_toollog::Tool::Restic as RESTIC;

use crate::around::Around;
use crate::config::{self, describe, problem};
use crate::progress::Progress;
use crate::proof::{Method, Share, drop_tree, has_a_file};
use crate::report::{bounded, not_installed, not_started, of_call, of_run, report_of};
use crate::restic::settings::Settings;
use crate::state::State;
use crate::tool::{Call, read_run};
use crate::version::{self, Version};

/// Older releases print what is not read here.
const MIN_VERSION: Version = (0, 14);
/// Older releases have one exit code for a locked repository, a missing one and a wrong password.
const TOLD_APART_SINCE: Version = (0, 17);
/// Progress once a minute, in frames per second.
const PROGRESS_FPS: &str = "0.0166";

/// The kind.
#[derive(Debug)]
pub(crate) struct Restic {
    around: Around,
}

impl Restic {
    pub(crate) const fn new(around: Around) -> Self {
        Self { around }
    }

    /// With the password, which only restic's own process gets.
    fn call(&self, settings: &Settings, request: &Request) -> Result<Call, Box<Report>> {
        let program = self.around.find(&settings.executable).ok_or_else(|| not_installed(RESTIC))?;
        let mut call =
            Call::new(program).env("RESTIC_PROGRESS_FPS", PROGRESS_FPS).env("RESTIC_REPOSITORY", &settings.repository);
        for (secret, variable) in settings::SECRETS {
            if let Some(value) = request.secrets.get(secret) {
                call = call.env(variable, value.reveal());
            }
        }
        if let Some(folder) = &settings.cache {
            call = call.args([format!("--cache-dir={folder}")]);
        }
        Ok(call)
    }

    /// A local repository's folder is there.
    fn repository_ready(settings: &Settings) -> Result<(), Box<Report>> {
        let repository = std::path::Path::new(&settings.repository);
        if repository.is_absolute() { crate::preflight::target_ready(repository) } else { Ok(()) }
    }

    /// How restic is going to read the repository: what a local one has in the page cache is dropped first. What lies behind
    /// a server is in whatever cache it has.
    fn read_back(settings: &Settings, speaker: &Speaker) -> Method {
        let repository = std::path::Path::new(&settings.repository);
        if !repository.is_absolute() {
            return Method::Cached;
        }
        let progress = Progress::new(speaker, "dropping the repository from the cache");
        let dropped = drop_tree(repository, &progress, &|| !speaker.cancelled().is_set());
        dropped.unwrap_or_else(|error| {
            speaker.log(Level::Warn, format!("the repository may be read from the cache: {error}"));
            Method::Cached
        })
    }

    /// A local repository's folder is there, and each source is there and has something: old releases end well without.
    fn ready(settings: &Settings) -> Result<(), Box<Report>> {
        Self::repository_ready(settings)?;
        for source in settings.paths() {
            if source.is_file() {
                continue;
            }
            crate::preflight::source_ready(source)?;
            if !has_a_file(source).unwrap_or(false) {
                return Err(Box::new(crate::preflight::source_empty()));
            }
        }
        Ok(())
    }
}

impl Plugin for Restic {
    fn describe(&self) -> Describe {
        let example = serde_json::json!({"repository": "{target}", "sources": ["{source}"]});
        let secrets = settings::SECRETS.map(|(name, _)| name);
        describe::<Settings>("restic", &secrets, false, example)
    }

    fn validate(&self, request: &Request, speaker: &Speaker) -> Vec<Problem> {
        let settings: Settings = match config::read(request) {
            Ok(settings) => settings,
            Err(problem) => return vec![problem],
        };
        let mut problems = settings.problems();
        if !request.secrets.contains_key("password") {
            problems.push(problem(
                "",
                "the secret `password` is missing",
                "give the repository's password as the job's secret",
            ));
        }
        let call = self.call(&settings, request).ok().map(|call| call.args(["version"]));
        match version::check(RESTIC, call, MIN_VERSION, settings::version, speaker) {
            Ok(version) if version < TOLD_APART_SINCE => speaker.log(
                Level::Warn,
                "restic before 0.17 does not say apart a locked repository, a missing one and a wrong password",
            ),
            Ok(_) => {}
            Err(problem) => problems.push(problem),
        }
        problems
    }

    fn plan(&self, request: &Request, speaker: &Speaker) -> Report {
        report_of(|| {
            let settings: Settings = config::settings(request)?;
            Self::ready(&settings)?;
            let call = self.call(&settings, request)?.args(settings.backup(&request.job)).args(["--dry-run"]);
            Ok(of_call(&call, RESTIC, "planning", None, speaker))
        })
    }

    fn run(&self, request: &Request, speaker: &Speaker) -> Report {
        report_of(|| {
            let settings: Settings = config::settings(request)?;
            Self::ready(&settings)?;
            let call = self.call(&settings, request)?.args(settings.backup(&request.job));
            let mut state = State::of(request);
            let began_at_s = self.around.now_s();
            let mut report = of_call(&call, RESTIC, "backing up", None, speaker);
            shrunk(&mut report, state.seen);
            state.transferred(&report, began_at_s, false);
            state.say(speaker);
            Ok(report)
        })
    }

    fn verify(&self, request: &Request, speaker: &Speaker) -> Report {
        report_of(|| {
            let settings: Settings = config::settings(request)?;
            Self::repository_ready(&settings)?;
            let call = self.call(&settings, request)?;
            let mut state = State::of(request);
            let share = state.coverage.next(settings.parts);
            let before = Self::read_back(&settings, speaker);
            let subset = format!("--read-data-subset={}/{}", share.part + 1, share.of);
            let reading = call.clone().args(["check".to_owned(), subset, "--json".to_owned()]);
            // Whoever could not look has found nothing wrong.
            let (ended, run) = read_run(&reading, speaker, "reading the repository")
                .map_err(|error| not_started(&reading.program, &error))?;
            let mut report = of_run(&run, ended, RESTIC, None, speaker);
            if report.outcome != Outcome::Done {
                report.counts = Counts { failed: 1, ..Counts::default() };
                return Ok(report);
            }
            // The check has just read what is restored from.
            let method = before.max(Self::read_back(&settings, speaker));
            let seed = sample::seed(&request.run, share.part);
            let restored = sample::restore(&settings, &request.job, seed, state.transferred_at_s, speaker, &call)?;
            if restored.differ + restored.failed == 0 {
                state.coverage.read(share, self.around.now_s(), 0);
            }
            state.say(speaker);
            Ok(proven(&restored, share, &state.coverage.words(self.around.now_s()), method))
        })
    }
}

/// Fewer than half of the files of the last time are a person's to look at.
fn shrunk(report: &mut Report, last: Option<u64>) {
    let (now, last) = (report.counts.seen, last.unwrap_or(0));
    if report.outcome <= Outcome::Done && now < last / 2 {
        report.outcome = Outcome::Partial;
        report.cause = Some("source-shrunk".to_owned());
        report.next_step = Some("see whether all of the source is mounted".to_owned());
        report.sentence = bounded(&format!(
            "Only {} of the {} files of the last time: {}",
            grouped(now),
            grouped(last),
            report.sentence
        ));
    }
}

fn proven(restored: &sample::Restored, share: Share, coverage: &str, method: Method) -> Report {
    let counts = Counts {
        seen: restored.same + restored.changed + restored.unnamed + restored.differ + restored.failed,
        proven: restored.same,
        skipped: restored.changed + restored.unnamed,
        mismatched: restored.differ,
        failed: restored.failed,
        ..Counts::default()
    };
    if restored.differ + restored.failed > 0 {
        let sentence = format!(
            "Not proven: of {} files restored as a sample, {} differ from the source and {} could not be restored.",
            counts.seen, restored.differ, restored.failed
        );
        return Report::new(Outcome::Failed, sentence)
            .because("differs")
            .retry(Retry::Never)
            .counts(counts, restored.bytes);
    }
    let part = if share.of > 1 { format!("part {} of {}", share.part + 1, share.of) } else { "all".to_owned() };
    let sample = match counts.seen {
        0 => "no file was restored as a sample".to_owned(),
        n => {
            let unnamed = match restored.unnamed {
                0 => String::new(),
                n => format!(", {n} left out for a name that is not Unicode"),
            };
            format!(
                "{} random files were restored, {} equal to the source{unnamed}",
                n - restored.unnamed,
                restored.same
            )
        }
    };
    let words = coverage.replace("every file was", "all of the repository was");
    let how = method.words();
    let sentence = format!("restic read {part} of the repository without an error ({how}); {sample}; {words}.");
    let mut report = Report::new(Outcome::Done, bounded(&sentence)).counts(counts, restored.bytes);
    report.evidence = Some(Evidence {
        method: if restored.same > 0 { "restore" } else { "tool" }.to_owned(),
        read_back: if method == Method::Cached { ReadBack::Cached } else { ReadBack::Device },
        files: restored.same,
        bytes: restored.bytes,
        sample: (share.of > 1).then_some(Sample { part: u64::from(share.part) + 1, of: u64::from(share.of) }),
        coverage: Some(words),
    });
    report
}
