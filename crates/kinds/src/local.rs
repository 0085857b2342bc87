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

/// Reads one part of the source and of its copy, and compares.
pub(crate) fn verify(
    request: &Request,
    around: &Around,
    speaker: &Speaker,
    (source, target): (&Path, &Path),
    settings: ProofSettings,
    base: Base,
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
    if !found.is_cancelled && found.bad() == 0 && !has_only_changed(&found) {
        state.coverage.read(share, began_at_s);
        state.verified_at_s = Some(began_at_s);
    }
    state.say(speaker);
    report(&found, share, &state.coverage, around.now_s())
}

/// A proof of what is in the copy, where the tool says that so many files have no copy: only it knows which are left out.
/// They may be newer than the last run, which the next one shows.
pub(crate) fn with_absent(mut report: Report, absent: u64) -> Report {
    if absent == 0 || !matches!(report.outcome, Outcome::Done | Outcome::Nothing) {
        return report;
    }
    report.counts.skipped += absent;
    report.counts.seen += absent;
    report.sentence = bounded(&format!("{} {} have no copy yet.", report.sentence, files(absent)));
    report.outcome = Outcome::Partial;
    report.cause = Some("not-proven".to_owned());
    report.next_step = Some("run the job, then prove it again".to_owned());
    report
}

/// The tools compare sizes and times: what only differs in its bytes they would never copy again.
const DAMAGED_STEP: &str = "look at the files that `strongroom job show` names; if the source is right, delete their \
    copies and run the job again; check the disk";

/// Whether nothing was proven, and not even because the part that was read has no files.
const fn has_only_changed(found: &Comparison) -> bool {
    found.proven == 0 && found.changed > 0 && found.bad() == 0
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
    } else if has_only_changed(found) {
        let sentence =
            format!("Not proven: {} changed since the last run, and no other was read.", files(found.changed));
        return Report::new(Outcome::Partial, bounded(&sentence))
            .because("not-proven")
            .next_step("run the job, then prove it again")
            .retry(Retry::Never)
            .counts(counts, found.bytes);
    } else if found.proven + found.changed + found.other_parts == 0 {
        return Report::new(Outcome::Nothing, "Nothing to prove: there are no files.");
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
        n => format!("; {} changed meanwhile, and not proven", files(n)),
    };
    bounded(&format!("{} proven by SHA-256 ({how}){changed}; {coverage}.", files(found.proven)))
}

fn bad(found: &Comparison) -> String {
    let parts = [(found.differ, "differ"), (found.missing, "have no copy"), (found.unreadable, "cannot be read")];
    let words: Vec<_> =
        parts.into_iter().filter(|&(n, _)| n > 0).map(|(n, what)| format!("{} {what}", grouped(n))).collect();
    bounded(&format!("Not proven: of {}, {}.", files(found.proven + found.changed + found.bad()), words.join(", ")))
}
