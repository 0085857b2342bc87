//! The proof of a copy in a local folder, and what its words are.

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use strongroom_model::text::{files, grouped};
use strongroom_plugin::Speaker;
use strongroom_plugin::protocol::{Counts, Evidence, Outcome, ReadBack, Report, Request, Retry, Sample};

use crate::around::Around;
use crate::proof::{Base, Comparison, Coverage, Job, Method, Share, compare};
use crate::report::{bounded, cancelled, failed};
use crate::state::State;

/// How much is read by each proof, and how.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ProofSettings {
    /// Each proof reads one of so many parts in turn, so that all are read after so many proofs: 1 (all) to 366.
    #[schemars(range(min = 1, max = 366))]
    pub(crate) parts: u16,
    /// So many files are read at once: 1 for a single hard disk, more for flash, RAID and networks; at most 16.
    #[schemars(range(min = 1, max = 16))]
    pub(crate) readers: usize,
}

impl Default for ProofSettings {
    fn default() -> Self {
        Self { parts: 1, readers: 4 }
    }
}

/// Where more than one file in a hundred changed since it was copied, the copy is not proven: its last run is too long ago,
/// or what it copies is always being written. One file may always have changed.
const MAX_CHANGED_PERCENT: u64 = 1;
/// Nor where those files hold more than a tenth of the bytes: the one database among a hundred notes is no detail.
const MAX_CHANGED_BYTES_PERCENT: u64 = 10;

/// Reads one part of the source and of its copy, and compares. `absent`: files that have no copy, by the word of a tool
/// that alone knows which are left out.
pub(crate) fn verify(
    request: &Request,
    around: &Around,
    speaker: &Speaker,
    (source, target): (&Path, &Path),
    settings: ProofSettings,
    base: Base,
    absent: u64,
) -> Report {
    let mut state = State::of(request);
    let share = state.coverage.next(settings.parts);
    if let Err(report) = crate::preflight::source_ready(source) {
        return *report;
    }
    if let Err(report) = crate::preflight::target_ready(target) {
        return *report;
    }
    let began_at_s = around.now_s();
    let job = Job {
        source,
        target,
        base,
        share,
        verified_at_s: state.verified_at_s,
        transferred_at_s: state.transferred_at_s,
        readers: settings.readers,
    };
    let found = match compare(&job, speaker) {
        Ok(found) => found,
        Err(error) => return failed("the proof cannot begin", &error),
    };
    let is_proven = found.bad() == 0 && absent == 0 && found.looked_at() > 0 && is_nearly_all(&found);
    if is_proven && !found.is_cancelled {
        state.coverage.read(share, began_at_s, found.changed);
        state.verified_at_s = Some(began_at_s);
    }
    state.say(speaker);
    with_absent(report(&found, share, &state.coverage, around.now_s()), absent)
}

/// A proof of what is in the copy, where the tool says that so many files have no copy: only it knows which are left out.
/// They may be newer than the last run, which the next one shows.
fn with_absent(mut report: Report, absent: u64) -> Report {
    let is_empty = report.cause.as_deref() == Some("source-empty");
    if absent == 0 || !(is_empty || report.outcome == Outcome::Done) {
        return report;
    }
    if is_empty {
        report.sentence = "Not proven: the copy has no files.".to_owned();
        report.retry = None;
    }
    report.counts.skipped += absent;
    report.counts.seen += absent;
    report.sentence = bounded(&format!("{} {} have no copy yet.", report.sentence, files(absent)));
    report.outcome = Outcome::Partial;
    report.cause = Some("not-proven".to_owned());
    report.next_step = Some("run the job, then prove it again".to_owned());
    report
}

/// A proof that comes directly after the run finds few of them.
const CHANGED_STEP: &str = "run the job, then prove it at once; if the same files are always being written, copy them \
    from a snapshot of the file system or from a dump, or leave them out";

/// The tools compare sizes and times: what only differs in its bytes they would never copy again.
const DAMAGED_STEP: &str = "look at the files that `strongroom job show` names; if the source is right, delete their \
    copies and run the job again; check the disk";

/// Whether what changed since it was copied is so little that the rest stands for the copy.
fn is_nearly_all(found: &Comparison) -> bool {
    let (files, bytes) = (found.proven + found.changed, found.bytes.saturating_add(found.changed_bytes));
    let most = (files.saturating_mul(MAX_CHANGED_PERCENT) / 100).max(1);
    let most_bytes = bytes.saturating_mul(MAX_CHANGED_BYTES_PERCENT) / 100;
    found.changed == 0 || (found.proven > 0 && found.changed <= most && found.changed_bytes <= most_bytes)
}

fn report(found: &Comparison, share: Share, coverage: &Coverage, now_s: i64) -> Report {
    let counts = Counts {
        seen: found.proven + found.changed + found.bad(),
        proven: found.proven,
        skipped: found.changed,
        extra: found.extra,
        mismatched: found.differ,
        failed: found.missing + found.unreadable,
        ..Counts::default()
    };
    if found.is_cancelled {
        let report = cancelled(&Report::new(Outcome::Cancelled, "").counts(counts, found.bytes));
        return Report { sentence: format!("The proof was cancelled after {}.", files(found.proven)), ..report };
    }
    let words = if found.bad() > 0 { None } else { Some(coverage.words(now_s)) };
    let mut report = if found.bad() > 0 {
        Report::new(Outcome::Failed, bad(found))
            .because(if found.differ > 0 { "differs" } else { "not-proven" })
            .next_step(if found.differ > 0 { DAMAGED_STEP } else { "run the job again" })
            .retry(Retry::Never)
    } else if !is_nearly_all(found) {
        return Report::new(Outcome::Partial, too_many_changed(found))
            .because("not-proven")
            .next_step(CHANGED_STEP)
            .retry(Retry::Never)
            .counts(counts, found.bytes);
    } else if found.looked_at() == 0 {
        return crate::preflight::nothing_to_prove();
    } else {
        Report::new(Outcome::Done, well(found, words.as_deref().unwrap_or_default()))
    };
    report = report.counts(counts, found.bytes);
    report.evidence = Some(Evidence {
        method: "sha256".to_owned(),
        read_back: match found.method {
            Some(Method::Direct | Method::Uncached) => ReadBack::Device,
            Some(Method::Cached) => ReadBack::Cached,
            None => ReadBack::Unknown,
        },
        files: found.proven,
        bytes: found.bytes,
        sample: (share.of > 1).then_some(Sample { part: u64::from(share.part) + 1, of: u64::from(share.of) }),
        coverage: words,
    });
    report
}

fn well(found: &Comparison, coverage: &str) -> String {
    let how = found.method.map_or("", Method::words);
    let changed = match found.changed {
        0 => String::new(),
        1 => "; 1 file changed since the last run and is not proven".to_owned(),
        n => format!("; {} changed since the last run and are not proven", files(n)),
    };
    bounded(&format!("{} proven by SHA-256 ({how}){changed}; {coverage}.", files(found.proven)))
}

fn too_many_changed(found: &Comparison) -> String {
    let all = found.proven + found.changed;
    let share = found.changed_bytes.saturating_mul(100).checked_div(found.bytes.saturating_add(found.changed_bytes));
    let of_bytes = share.map_or_else(String::new, |percent| format!(", with {percent} % of the bytes"));
    let proven =
        if found.proven == 0 { "none was proven".to_owned() } else { format!("{} proven", files(found.proven)) };
    bounded(&format!(
        "Not proven: {} of {} changed since the last run{of_bytes}; {proven}.",
        grouped(found.changed),
        files(all)
    ))
}

fn bad(found: &Comparison) -> String {
    let parts = [
        (found.differ, "differs", "differ"),
        (found.missing, "has no copy", "have no copy"),
        (found.unreadable, "cannot be read", "cannot be read"),
    ];
    let said = |(n, one, several): (u64, &str, &str)| format!("{} {}", grouped(n), if n == 1 { one } else { several });
    let words: Vec<_> = parts.into_iter().filter(|&(n, ..)| n > 0).map(said).collect();
    bounded(&format!("Not proven: of {}, {}.", files(found.proven + found.changed + found.bad()), words.join(", ")))
}
