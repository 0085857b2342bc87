//! Which collections a verb reads.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use strongroom_kinds::tasks::{Bag, Gathered, Judged, Terms, hosts, is_bag, needs_a_person, read_bag};
use strongroom_model::text::printable;
use strongroom_tasks::collection::Entry;
use strongroom_tasks::tables::Agreed;
use strongroom_tasks::text::CodePage;
use strongroom_tasks::watch::Verdict;

use crate::cli_error::{CliError, ErrorContext as _};
use crate::{jobs, site};

/// The kind of jobs that collect tasks.
const KIND: &str = "tasks";
/// A path or a reason is shown on one line.
pub(super) const MAX_CHARS: usize = 200;

#[derive(Debug, clap::Args)]
pub(super) struct SourceArgs {
    /// A collector's folder, a bag, a folder of bags, or any folder of exported files
    #[arg(long, value_name = "FOLDER")]
    pub(super) from: Option<PathBuf>,
    /// Only this host; the host's name, if the files do not state it
    #[arg(long, value_name = "NAME")]
    pub(super) host: Option<String>,
    /// The host's zone, if the files do not state it, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    zone: Option<String>,
    /// The code page of the host's consoles, such as 850
    #[arg(long, value_name = "NUMBER", value_parser = code_page)]
    code_page: Option<u16>,
    /// Only tasks in this folder and below, such as '\OpenData'
    #[arg(long, value_name = "PATH")]
    pub(super) folder: Option<String>,
}

fn zone(name: &str) -> Result<String, String> {
    TimeZone::get(name).map(|_| name.to_owned()).map_err(|_| "no such zone; name one such as Europe/Berlin".to_owned())
}

fn code_page(text: &str) -> Result<u16, String> {
    let known = |page: &u16| CodePage::new(*page).is_some();
    text.parse().ok().filter(known).ok_or_else(|| "no such code page; `chcp` prints it on the host".to_owned())
}

/// A collection, where it is, and its files.
pub(super) struct Source {
    pub(super) folder: PathBuf,
    pub(super) gathered: Gathered,
    pub(super) judged: Judged,
}

/// One task with its verdict.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) source: &'a Source,
    pub(super) entry: &'a Entry,
    pub(super) verdict: &'a Verdict,
    pub(super) agreed: &'a Agreed,
}

impl Line<'_> {
    pub(super) fn needs_a_person(&self) -> bool {
        self.agreed.quiet.is_none() && needs_a_person(self.verdict)
    }
}

impl Source {
    /// The tasks that are in the folder that was asked for.
    pub(super) fn lines<'a>(&'a self, folder: Option<&'a str>) -> impl Iterator<Item = Line<'a>> + 'a {
        let judged = &self.judged;
        let with_verdicts = judged.collection.entries.iter().zip(&judged.verdicts).zip(&judged.agreed);
        with_verdicts
            .filter(move |((entry, _), _)| folder.is_none_or(|folder| is_within(&entry.task.path, folder)))
            .map(move |((entry, verdict), agreed)| Line { source: self, entry, verdict, agreed })
    }

    /// Its name, as its files have it.
    pub(super) fn named(&self) -> Option<String> {
        self.judged.collection.host.as_deref().map(|host| printable(host, MAX_CHARS))
    }

    /// Its name, or words for it.
    pub(super) fn host(&self) -> String {
        self.named().unwrap_or_else(|| self.judged.host_words())
    }

    pub(super) fn is_of(&self, host: Option<&String>) -> bool {
        let own = self.judged.collection.host.as_deref();
        host.is_none_or(|host| own.is_some_and(|own| own.eq_ignore_ascii_case(host)))
    }

    /// What the collection lacks: one line each.
    pub(super) fn lacks(&self) -> Vec<String> {
        let collection = &self.judged.collection;
        let partial = collection.partial.iter().map(|why| format!("partial: {}", printable(why, MAX_CHARS)));
        let problems = collection.problems.iter().map(|(file, problem)| {
            format!("{} {}", printable(file, MAX_CHARS), printable(&problem.to_string(), MAX_CHARS))
        });
        partial.chain(problems).collect()
    }
}

fn is_within(path: &str, folder: &str) -> bool {
    let cut = if path.starts_with('\\') { '\\' } else { '/' };
    let folder = format!("{cut}{}{cut}", folder.trim_matches(['\\', '/'])).to_lowercase();
    folder.chars().all(|c| c == cut) || path.to_lowercase().starts_with(&folder)
}

/// Every collection that the arguments mean, at least one.
pub(super) fn sources(args: &SourceArgs, config: Option<&Path>) -> Result<Vec<Source>, CliError> {
    let mut sources = Vec::new();
    for folder in newest(args, config)? {
        sources.push(read(&folder, args)?);
    }
    // A host's name is what the files say, or what the caller says of files that say none.
    sources.retain(|source| source.is_of(args.host.as_ref()));
    if sources.is_empty() {
        let host =
            args.host.as_ref().map(|host| format!(" of host {}", printable(host, MAX_CHARS))).unwrap_or_default();
        return Err(CliError::new(format!("there is no collection{host}"))
            .next_step("run a job of the kind tasks, or name a folder with --from"));
    }
    Ok(sources)
}

fn newest(args: &SourceArgs, config: Option<&Path>) -> Result<Vec<PathBuf>, CliError> {
    let targets = match &args.from {
        Some(folder) => vec![folder.clone()],
        None => targets(config)?,
    };
    let mut found = Vec::new();
    for target in targets {
        let bags = bags(&target)?;
        if bags.is_empty() && args.from.is_some() {
            found.push(target);
        }
        found.extend(bags.into_iter().filter_map(|mut bags| bags.pop()).map(|bag| bag.path));
    }
    Ok(found)
}

/// The bags of each host below a target or of one host's folder; none, if it is neither.
pub(super) fn bags(folder: &Path) -> Result<Vec<Vec<Bag>>, CliError> {
    let what = || format!("cannot read {}", folder.display());
    if is_bag(folder) {
        return Ok(Vec::new());
    }
    let own = Bag::all(folder).context(what())?;
    if !own.is_empty() {
        return Ok(vec![own]);
    }
    Ok(hosts(folder)
        .context_and_step(what(), "name a folder that is there")?
        .into_iter()
        .map(|(_, bags)| bags)
        .collect())
}

/// The targets of this host's jobs that collect tasks.
pub(super) fn targets(config: Option<&Path>) -> Result<Vec<PathBuf>, CliError> {
    let config = site::config(config)?;
    let jobs = jobs::settings(&config);
    let targets: Vec<_> = jobs.into_values().filter(|job| job.kind == KIND).filter_map(|job| job.target).collect();
    if targets.is_empty() {
        return Err(CliError::new("no job of the kind tasks is configured on this host")
            .next_step("name a folder of collected files with --from"));
    }
    Ok(targets)
}

/// Reads a bag or any folder of files.
pub(super) fn read(folder: &Path, args: &SourceArgs) -> Result<Source, CliError> {
    let what = || format!("cannot read {}", folder.display());
    let (gathered, mut terms) = if is_bag(folder) {
        read_bag(folder).context_and_step(what(), "prove the job, and take an older bag")?
    } else {
        let gathered =
            Gathered::of_folder(folder).context_and_step(what(), "name a folder of collected files with --from")?;
        (gathered, Terms::default())
    };
    if gathered.files.is_empty() {
        return Err(CliError::new(format!("{} has no files", folder.display()))
            .next_step("name a folder of collected files with --from"));
    }
    if terms.host.is_none() && terms.judge(&gathered).collection.host.is_none() {
        terms.host.clone_from(&args.host);
    }
    terms.zone = args.zone.clone().or(terms.zone);
    terms.code_page = args.code_page.or(terms.code_page);
    let judged = terms.judge(&gathered);
    Ok(Source { folder: folder.to_owned(), gathered, judged })
}
