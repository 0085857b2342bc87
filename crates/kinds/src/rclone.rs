//! `rclone`: a folder into another, of any of rclone's remotes.

mod settings;
mod transfer;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use strongroom_model::text::files;
use strongroom_plugin::protocol::{Counts, Describe, Evidence, Outcome, Problem, ReadBack, Report, Request, Retry};
use strongroom_plugin::{Plugin, Speaker};
use strongroom_toollog::Tool::Rclone as RCLONE;
use strongroom_toollog::rclone::check::{Combined, Mark, combined};

use crate::around::Around;
use crate::config::{self, describe};
use crate::local;
use crate::place::{self, Place};
use crate::preflight;
use crate::progress::Progress;
use crate::proof::Base;
use crate::rclone::settings::Settings;
use crate::report::{bounded, not_installed, not_started, of_call, report_of};
use crate::state::State;
use crate::tool::{self, Call, Stream, output};
use crate::version::{self, Version};

/// Older releases have no JSON log.
const MIN_VERSION: Version = (1, 49);

/// The kind.
#[derive(Debug)]
pub(crate) struct Rclone {
    around: Around,
}

impl Rclone {
    pub(crate) const fn new(around: Around) -> Self {
        Self { around }
    }

    /// With the password of rclone's own configuration, which only its child gets.
    fn call(&self, settings: &Settings, request: &Request) -> Result<Call, Box<Report>> {
        let program = self.around.find(&settings.executable).ok_or_else(|| not_installed(RCLONE))?;
        let call = Call::new(program);
        Ok(match request.secrets.get("config_password") {
            Some(secret) => call.env("RCLONE_CONFIG_PASS", secret.reveal()),
            None => call,
        })
    }
}

impl Plugin for Rclone {
    fn describe(&self) -> Describe {
        let example = serde_json::json!({"source": "{source}", "target": "{target}", "delete": true});
        describe::<Settings>("rclone", &["config_password"], true, example)
    }

    fn validate(&self, request: &Request, speaker: &Speaker) -> Vec<Problem> {
        let settings: Settings = match config::read(request) {
            Ok(settings) => settings,
            Err(problem) => return vec![problem],
        };
        let mut problems = settings.problems();
        problems.extend(place::problems(settings.source(), settings.target()));
        let call = self.call(&settings, request).ok().map(|call| call.args(["version"]));
        problems.extend(version::check(RCLONE, call, MIN_VERSION, settings::version, speaker).err());
        problems
    }

    fn plan(&self, request: &Request, speaker: &Speaker) -> Report {
        report_of(|| {
            let settings: Settings = config::settings(request)?;
            place::ready(settings.source(), settings.target())?;
            let call = self.call(&settings, request)?.args(settings.args(settings.verb(), &["--dry-run"]));
            Ok(of_call(&call, RCLONE, "planning", settings.source().local(), speaker))
        })
    }

    fn run(&self, request: &Request, speaker: &Speaker) -> Report {
        report_of(|| {
            let settings: Settings = config::settings(request)?;
            place::ready(settings.source(), settings.target())?;
            let call = self.call(&settings, request)?;
            let mut state = State::of(request);
            let began_at_s = self.around.now_s();
            let report = transfer::transfer(&settings, request, &state, speaker, &call);
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
                _ => Ok(check(&self.call(&settings, request)?, &settings, speaker)),
            }
        })
    }
}

/// `rclone check`: by a hash that both sides have, else by downloading.
fn check(call: &Call, settings: &Settings, speaker: &Speaker) -> Report {
    let hashes = |place: &str| {
        let (_, text) = output(&call.clone().args(settings.features(place)).quietly(), speaker).ok()?;
        settings::hashes(&text)
    };
    let common = hashes(&settings.source)
        .zip(hashes(&settings.target))
        .and_then(|(source, target)| source.into_iter().find(|hash| target.contains(hash)));
    let downloads = settings.download || common.is_none();
    let more: &[&str] =
        if downloads { &["--combined", "-", "--one-way", "--download"] } else { &["--combined", "-", "--one-way"] };
    let call = call.clone().args(settings.args("check", more));
    let found = Mutex::new(Combined::default());
    let progress = Progress::new(speaker, "checking");
    let each = |stream, lines: &[u8]| {
        if stream == Stream::Out {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            count(lines, &mut found, speaker);
        }
    };
    let ended = match tool::run(&call, speaker, &progress, &each) {
        Ok(ended) => ended,
        Err(error) => return not_started(&call.program, &error),
    };
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    if ended.is_cancelled {
        return Report::new(Outcome::Cancelled, format!("The proof was cancelled after {}.", files(found.all())));
    }
    checked(&found, ended.code, downloads, common.as_deref())
}

/// Counts the lines of `--combined`, and names what is not proven.
fn count(lines: &[u8], found: &mut Combined, speaker: &Speaker) {
    use strongroom_plugin::protocol::ItemOutcome::{Differs, Failed, Unreadable};
    for line in lines.split(|&byte| byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        let Some((mark, path)) = combined(&line) else { continue };
        found.count(mark);
        let (became, message) = match mark {
            Mark::Same | Mark::OnlyTarget => continue,
            Mark::OnlySource => (Failed, "it has no copy"),
            Mark::Differs => (Differs, "the copy differs from the source"),
            Mark::Error => (Unreadable, "it could not be compared"),
        };
        speaker.item(crate::proof::item(Path::new(path), became, message));
    }
}

fn checked(found: &Combined, code: i64, downloads: bool, hash: Option<&str>) -> Report {
    let seen = found.same + found.bad();
    let counts = Counts {
        seen,
        proven: found.same,
        mismatched: found.differ,
        failed: found.only_source + found.errors,
        extra: found.only_target,
        ..Counts::default()
    };
    if found.bad() > 0 {
        let sentence = format!(
            "Not proven: of {}, {} differ, {} have no copy, {} could not be compared.",
            files(seen),
            found.differ,
            found.only_source,
            found.errors
        );
        return Report::new(Outcome::Failed, bounded(&sentence))
            .because(if found.differ > 0 { "differs" } else { "not-proven" })
            .next_step("run the job again, then prove it again")
            .counts(counts, 0);
    }
    if code != 0 {
        return Report::new(Outcome::Failed, format!("Not proven: rclone check failed (code {code})."))
            .because("tool-failed")
            .retry(Retry::Later)
            .counts(counts, 0);
    }
    if seen == 0 {
        return preflight::nothing_to_prove();
    }
    let how = match hash {
        Some(hash) if !downloads => format!("by {hash}, as both sides say it"),
        _ => "by downloading every copy".to_owned(),
    };
    let mut report = Report::new(Outcome::Done, bounded(&format!("{} proven by rclone check, {how}.", files(seen))))
        .counts(counts, 0);
    report.evidence = Some(Evidence {
        method: if downloads { "bytes" } else { "tool" }.to_owned(),
        read_back: if downloads { ReadBack::Cached } else { ReadBack::Remote },
        files: seen,
        coverage: Some("every file was compared".to_owned()),
        ..Evidence::default()
    });
    report
}
