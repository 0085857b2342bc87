//! `tasks`: the scheduled tasks of a host, as a bag for each day on the target, with tables of how they stand.

mod bag;
mod gathered;
mod in_root;
mod lack;
mod linux_host;
mod news;
mod proof;
mod scripts;
mod settings;
mod terms;
mod windows_host;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use strongroom_model::text::{files, grouped};
use strongroom_plugin::protocol::{
    Counts, Describe, Evidence, Level, Outcome, Problem, ReadBack, Report, Request, Retry,
};
use strongroom_plugin::{Plugin, Speaker};
use strongroom_tasks::codes;
use strongroom_tasks::diff::Change;
use strongroom_tasks::watch::{Overdue, Verdict};

pub use self::bag::{Bag, host_folder, is_bag, read_bag};
pub use self::gathered::{Gathered, MAX_BYTES, MAX_FILES};
use self::news::Before;
use self::settings::{From, Settings};
pub use self::terms::{Judged, Terms};
use crate::around::Around;
use crate::config::{describe, read, unusable};
use crate::preflight;
use crate::proof::Method;
use crate::report::{bounded, cancelled, failed};

/// Whether a person should look at a task: it is overdue or stuck, or its last run did not end well.
#[must_use]
pub fn needs_a_person(verdict: &Verdict) -> bool {
    use codes::Outcome::{Crashed, Failed, Held, Misconfigured, Refused, Terminated, Unclear};
    let ended_badly =
        matches!(verdict.outcome, Crashed | Failed | Held | Misconfigured | Refused | Terminated | Unclear);
    verdict.overdue == Overdue::Yes || verdict.stuck_since.is_some() || ended_badly
}

/// What a job keeps from one operation to the next: the host.
const HOST: &str = "host";

/// The kind.
#[derive(Debug)]
pub(crate) struct Tasks {
    around: Around,
}

/// A collection that is ready to be written.
struct Ready {
    gathered: Gathered,
    terms: Terms,
    judged: Judged,
    host: PathBuf,
    before: Option<(Bag, Before)>,
    changes: Vec<Change>,
    today: Date,
}

impl Ready {
    /// Which bag of the day is to be written; `None`: there is nothing new.
    fn number(&self) -> Option<u32> {
        match &self.before {
            Some((bag, before)) if bag.date >= self.today => {
                (!news::is_same(before, &self.gathered, &self.judged)).then_some(bag.number + 1)
            }
            _ => Some(1),
        }
    }

    /// A clock that was set back must not write before what is there.
    fn date(&self) -> Date {
        self.before.as_ref().map_or(self.today, |(bag, _)| bag.date.max(self.today))
    }

    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        bag::files_of(&self.gathered, &self.terms, &self.judged, self.date())
    }
}

impl Tasks {
    pub(crate) const fn new(around: Around) -> Self {
        Self { around }
    }

    fn gather(&self, settings: &Settings, request: &Request, speaker: &Speaker) -> Result<Gathered, Box<Report>> {
        let missing = |error: &io::Error| failed("the host's tasks cannot be collected", error);
        let mut gathered = match settings.from() {
            From::Folder(folder) => {
                preflight::source_ready(&folder)?;
                Gathered::of_folder(&folder).map_err(|error| failed("the source cannot be read", &error))?
            }
            From::Linux(root) => {
                preflight::source_ready(&root)?;
                linux_host::collect(&root, settings.scripts, &self.around, speaker).map_err(|error| missing(&error))?
            }
            From::Windows(powershell) => {
                let workdir = Path::new(&request.workdir);
                windows_host::collect(&powershell, workdir, settings.scripts, &self.around, speaker)
                    .map_err(|error| missing(&error))?
            }
        };
        if gathered.files.is_empty() {
            let report = Report::new(Outcome::Failed, "The source has no files: nothing was collected.");
            return Err(Box::new(
                report.because("source-missing").next_step("see whether the collector ran").retry(Retry::Later),
            ));
        }
        if !settings.scripts {
            let folder = format!("{}/", scripts::FOLDER);
            gathered.files.retain(|name, _| !name.starts_with(&folder));
        }
        Ok(gathered)
    }

    /// Collects, judges and compares; writes nothing.
    fn ready(&self, settings: &Settings, request: &Request, speaker: &Speaker) -> Result<Ready, Box<Report>> {
        if let Some(problem) = settings.problems().first() {
            return Err(Box::new(unusable(problem)));
        }
        if !settings.target.is_dir() {
            let sentence = format!("The target folder {} is not there.", settings.target.display());
            let report = Report::new(Outcome::Obstructed, bounded(&sentence)).because("target-missing");
            return Err(Box::new(report.next_step("connect the target, or create its folder").retry(Retry::Later)));
        }
        let gathered = self.gather(settings, request, speaker)?;
        let mut terms = settings.terms();
        let judged = terms.judge(&gathered);
        if judged.collection.entries.is_empty() && !judged.collection.is_complete() {
            let why = judged.collection.problems.first().map_or_else(
                || judged.collection.partial.first().cloned().unwrap_or_default(),
                |(file, problem)| format!("{file} {problem}"),
            );
            let report = Report::new(Outcome::Failed, bounded(&format!("No task could be read: {why}.")));
            return Err(Box::new(
                report.because("source-unreadable").next_step("collect again with collect.ps1").retry(Retry::Later),
            ));
        }
        let host = host_folder(&settings.target, judged.host());
        let before = newest(&host).map_err(|error| failed("the collection before cannot be read", &error))?;
        let changes =
            before.as_ref().map(|(_, before)| news::remember(&mut terms, before, &judged)).unwrap_or_default();
        // When it was made is kept, since files on the target have other times.
        terms.collected_at = judged.collection.collected_at;
        terms.left_out.clone_from(&gathered.left_out);
        let judged = terms.judge(&gathered);
        let zone = judged.collection.zone_or_utc();
        let today = Timestamp::from_second(self.around.now_s()).unwrap_or_default().to_zoned(zone).date();
        Ok(Ready { gathered, terms, judged, host, before, changes, today })
    }
}

/// The newest bag of a host. A bag that was damaged since is for the proof to tell, and stops no collection.
fn newest(host: &Path) -> io::Result<Option<(Bag, Before)>> {
    let Some(bag) = Bag::all(host)?.pop() else { return Ok(None) };
    let (gathered, terms) = read_bag(&bag.path).unwrap_or_default();
    let judged = terms.judge(&gathered);
    Ok(Some((bag, Before { gathered, terms, judged })))
}

impl Plugin for Tasks {
    fn describe(&self) -> Describe {
        let example = serde_json::json!({"source": "{source}", "target": "{target}"});
        describe::<Settings>("tasks", &[], false, example)
    }

    fn validate(&self, request: &Request, _: &Speaker) -> Vec<Problem> {
        let settings: Settings = match read(request) {
            Ok(settings) => settings,
            Err(problem) => return vec![problem],
        };
        let mut problems = settings.problems();
        if let From::Folder(source) = settings.from() {
            problems.extend(preflight::pair(&source, &settings.target));
        }
        problems
    }

    fn plan(&self, request: &Request, speaker: &Speaker) -> Report {
        let settings: Settings = match read(request) {
            Ok(settings) => settings,
            Err(problem) => return unusable(&problem),
        };
        let ready = match self.ready(&settings, request, speaker) {
            Ok(ready) => ready,
            Err(report) => return *report,
        };
        report_of(&ready, "would be collected")
    }

    fn run(&self, request: &Request, speaker: &Speaker) -> Report {
        let settings: Settings = match read(request) {
            Ok(settings) => settings,
            Err(problem) => return unusable(&problem),
        };
        let ready = match self.ready(&settings, request, speaker) {
            Ok(ready) => ready,
            Err(report) => return *report,
        };
        let report = report_of(&ready, "collected");
        if speaker.cancelled().is_set() {
            return cancelled(&Report { counts: Counts::default(), ..report });
        }
        let collection = &ready.judged.collection;
        for why in &collection.partial {
            speaker.log(Level::Warn, why.clone());
        }
        for (file, problem) in collection.problems.iter().take(lack::MAX_LOGGED) {
            speaker.log(Level::Warn, bounded(&format!("{file} {problem}")));
        }
        if let Some(number) = ready.number() {
            match bag::write(&ready.host, ready.date(), number, &ready.files()) {
                Ok(path) => speaker.log(Level::Info, format!("written to {}", path.display())),
                Err(error) => return not_written(&error),
            }
        }
        // Several jobs may write to one target: each proves its own host's.
        speaker.state(serde_json::json!({HOST: ready.judged.host()}));
        report
    }

    fn verify(&self, request: &Request, speaker: &Speaker) -> Report {
        let settings: Settings = match read(request) {
            Ok(settings) => settings,
            Err(problem) => return unusable(&problem),
        };
        match newest_of_job(&settings, request) {
            Ok(Some(bag)) => match proof::prove(&bag.path, speaker) {
                Ok(found) => proven(&found, &bag),
                Err(error) => not_proven(&format!("the bag {} cannot be read: {error}", bag.name()), "unreadable"),
            },
            Ok(None) => not_proven("the target has no collection yet", "target-missing"),
            Err(error) => failed("the target cannot be read", &error),
        }
    }
}

/// The newest bag of the job's host: of the last run, or the one that is named, else of the newest bag of all.
fn newest_of_job(settings: &Settings, request: &Request) -> io::Result<Option<Bag>> {
    let terms = settings.terms();
    if let Some(host) = request.state[HOST].as_str().or(terms.host.as_deref()) {
        return Ok(Bag::all(&host_folder(&settings.target, host))?.pop());
    }
    Ok(hosts(&settings.target)?.into_iter().filter_map(|(_, mut bags)| bags.pop()).max())
}

/// The hosts that a target has collections of, with their bags, the oldest first.
///
/// # Errors
/// If a folder cannot be read.
pub fn hosts(target: &Path) -> io::Result<Vec<(String, Vec<Bag>)>> {
    let mut hosts = Vec::new();
    for entry in std::fs::read_dir(target)? {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        // What the system and we ourselves keep on a disk is no host, and may not be readable.
        let is_other = name.starts_with('.') || name == "lost+found";
        if !is_other && entry.file_type()?.is_dir() {
            let bags = Bag::all(&entry.path())?;
            if !bags.is_empty() {
                hosts.push((name, bags));
            }
        }
    }
    hosts.sort();
    Ok(hosts)
}

/// `23 tasks of host necro collected; 2 are overdue, 1 was changed since 2026-05-05.`
fn report_of(ready: &Ready, became: &str) -> Report {
    let judged = &ready.judged;
    let is_new = ready.number().is_some();
    let how_many = match judged.collection.entries.len() {
        1 => "1 task".to_owned(),
        n => format!("{} tasks", grouped(n as u64)),
    };
    let verb = if is_new { became } else { "are as they were collected before" };
    let mut sentence = format!("{how_many} of {} {verb}", judged.host_words());
    let changed: std::collections::BTreeSet<_> = ready.changes.iter().map(|change| &change.path).collect();
    let is_are = |n: usize| if n == 1 { "is" } else { "are" };
    let mut parts = Vec::new();
    if judged.overdue() > 0 {
        parts.push(format!("{} {} overdue", judged.overdue(), is_are(judged.overdue())));
    }
    if judged.failed() > 0 {
        parts.push(format!("{} did not end well", judged.failed()));
    }
    if let Some((bag, _)) = ready.before.as_ref().filter(|_| !changed.is_empty()) {
        let was = if changed.len() == 1 { "was" } else { "were" };
        parts.push(format!("{} {was} changed since {}", changed.len(), bag.date));
    }
    if !parts.is_empty() {
        sentence = format!("{sentence}; {}", parts.join(", "));
    }
    let lack = lack::of(judged, &ready.gathered);
    if let Some(lack) = &lack {
        sentence = format!("{sentence}; the collection is partial: {}", lack.why);
    }
    let all = ready.files();
    let (count, bytes) = (all.len() as u64, all.values().map(Vec::len).sum::<usize>() as u64);
    let copied = if is_new { count } else { 0 };
    let counts = Counts { seen: count, copied, skipped: count - copied, ..Counts::default() };
    let outcome = match (&lack, is_new) {
        (Some(_), _) => Outcome::Partial,
        (None, true) => Outcome::Done,
        (None, false) => Outcome::Nothing,
    };
    let mut report =
        Report::new(outcome, bounded(&format!("{sentence}."))).counts(counts, if is_new { bytes } else { 0 });
    if let Some(lack) = lack {
        report.cause = Some("collection-partial".to_owned());
        report.next_step = Some(lack.next_step.to_owned());
    }
    report
}

fn not_written(error: &io::Error) -> Report {
    let cause = if error.kind() == io::ErrorKind::StorageFull { "target-full" } else { "cannot-write" };
    Report::new(Outcome::Failed, bounded(&format!("The collection cannot be written: {error}.")))
        .because(cause)
        .next_step("make room on the target, or correct its permissions")
        .retry(Retry::Later)
}

fn not_proven(why: &str, cause: &str) -> Report {
    Report::new(Outcome::Failed, bounded(&format!("Not proven: {why}.")))
        .because(cause)
        .next_step("run the job again; if a bag is damaged again, check the disk")
        .retry(Retry::Never)
}

fn proven(found: &proof::Proof, bag: &Bag) -> Report {
    let counts = Counts {
        seen: found.proven + found.bad(),
        proven: found.proven,
        mismatched: found.differ + found.tables.len() as u64,
        extra: found.extra,
        failed: found.missing,
        ..Counts::default()
    };
    if found.is_cancelled {
        let report = cancelled(&Report::new(Outcome::Cancelled, "").counts(counts, found.bytes));
        return Report { sentence: format!("The proof was cancelled after {}.", files(found.proven)), ..report };
    }
    if found.bad() > 0 {
        let parts = [
            (found.differ, "differ"),
            (found.missing, "are missing"),
            (found.extra, "are in no manifest"),
            (found.tables.len() as u64, "come out otherwise when they are made again"),
        ];
        let words: Vec<_> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        let why = format!("of the files of bag {}, {}", bag.name(), words.join(", "));
        return not_proven(&why, if found.missing > 0 { "not-proven" } else { "differs" }).counts(counts, found.bytes);
    }
    let how = found.method.map_or("", Method::words);
    let tables = if found.is_of_other_version {
        "its tables, of another version of strongroom, are as they were written"
    } else {
        "every table is the same"
    };
    let sentence = format!(
        "{} of bag {} proven by SHA-256 ({how}); its {} parsed again, and {tables}.",
        files(found.proven),
        bag.name(),
        if found.tasks == 1 { "task was".to_owned() } else { format!("{} tasks were", grouped(found.tasks as u64)) },
    );
    let mut report = Report::new(Outcome::Done, bounded(&sentence)).counts(counts, found.bytes);
    report.evidence = Some(Evidence {
        method: "sha256".to_owned(),
        read_back: match found.method {
            Some(Method::Direct | Method::Uncached) => ReadBack::Device,
            Some(Method::Cached) => ReadBack::Cached,
            None => ReadBack::Unknown,
        },
        files: found.proven,
        bytes: found.bytes,
        coverage: Some("every file of the newest bag was read".to_owned()),
        ..Evidence::default()
    });
    report
}
