use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use super::*;
use crate::host::lines::BoundedLine;
use crate::host::reading::read;
use crate::host::redact::Redactor;

const LAST_LINES: [&str; 2] = ["Traceback", "KeyError: 'source'"];

/// One row of the table: what is said, how it ends, and what that is.
struct Row {
    op: Operation,
    said: Vec<Value>,
    end: End,
    stop: Option<Stop>,
    was_killed: bool,
}

fn hello() -> Value {
    json!({"type": "hello", "protocol": 1, "name": "x", "version": "1"})
}

fn result(outcome: &str) -> Value {
    json!({"type": "result", "outcome": outcome, "sentence": "As said."})
}

fn run(said: &[Value]) -> Row {
    Row { op: Operation::Run, said: said.to_vec(), end: End::Code(0), stop: None, was_killed: false }
}

impl Row {
    fn end(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    fn stop(mut self, stop: Stop) -> Self {
        self.stop = Some(stop);
        self
    }

    fn killed(mut self) -> Self {
        self.was_killed = true;
        self.end(End::Signal(9))
    }

    fn op(mut self, op: Operation) -> Self {
        self.op = op;
        self
    }

    fn verdict(&self) -> Verdict {
        let redactor = Redactor::new(&std::collections::BTreeMap::new()).unwrap();
        let mut seen = Seen::default();
        for line in &self.said {
            let bytes = line.as_str().map_or_else(|| line.to_string(), ToOwned::to_owned).into_bytes();
            seen.take(read(BoundedLine { bytes, is_cut: false }, &redactor).0);
        }
        let last_lines = LAST_LINES.map(ToOwned::to_owned);
        let facts = Facts {
            operation: Some(self.op),
            offered: &[1],
            max_delete: 2,
            end: self.end,
            stop: self.stop,
            was_killed: self.was_killed,
            left_behind: 0,
            last_lines: &last_lines,
            looks_like_utf16: false,
        };
        judge(&seen, &facts)
    }

    fn is(self, outcome: Outcome, cause: &str, sentence: &str) {
        let Verdict { report, notes } = self.verdict();
        let found = (report.outcome, report.cause.as_deref().unwrap_or_default());
        assert_eq!(found, (outcome, cause), "{:?}: {} {notes:?}", self.said, report.sentence);
        assert!(report.sentence.contains(sentence), "{}", report.sentence);
    }
}

#[test]
fn a_result_that_is_last_and_a_good_end_is_the_results_outcome() {
    for (name, outcome) in [
        ("done", Outcome::Done),
        ("nothing", Outcome::Nothing),
        ("partial", Outcome::Partial),
        ("failed", Outcome::Failed),
        ("obstructed", Outcome::Obstructed),
        ("cancelled", Outcome::Cancelled),
    ] {
        run(&[hello(), result(name)]).is(outcome, "", "As said.");
        let later = json!({"type": "heartbeat"});
        run(&[json!("stray text"), hello(), later, json!(""), result(name), json!("bye")]).is(outcome, "", "As said.");
    }
}

#[test]
fn a_bad_end_is_never_better_than_failed() {
    for name in ["done", "nothing", "partial", "obstructed", "cancelled"] {
        let sentence = format!("said {name}, and then ended with code 3");
        run(&[hello(), result(name)]).end(End::Code(3)).is(Outcome::Failed, "plugin-crashed", &sentence);
    }
    run(&[hello(), result("done")]).end(End::Signal(11)).is(Outcome::Failed, "plugin-crashed", "signal 11");
    let lingered = Stop::Lingered(Duration::from_secs(30));
    run(&[hello(), result("done")]).stop(lingered).killed().is(Outcome::Failed, "plugin-crashed", "signal 9");
    run(&[hello(), result("partial")]).stop(lingered).is(Outcome::Partial, "", "As said.");
    run(&[hello(), result("failed")]).end(End::Code(3)).is(Outcome::Failed, "", "As said.");
}

#[test]
fn without_a_result_it_failed_and_the_last_line_says_why() {
    run(&[hello()]).is(Outcome::Failed, "plugin-silent", "without a result: KeyError");
    run(&[]).is(Outcome::Failed, "plugin-silent", "without a result: KeyError");
    run(&[]).end(End::Code(1)).is(Outcome::Failed, "plugin-crashed", "code 1 and without a result: KeyError");
    run(&[hello()]).end(End::Signal(9)).is(Outcome::Failed, "plugin-crashed", "signal 9");
    run(&[hello()]).end(End::Stuck).is(Outcome::Failed, "plugin-crashed", "does not end");
}

#[test]
fn what_breaks_the_protocol_failed() {
    let other = json!({"type": "hello", "protocol": 2, "name": "x"});
    let log = json!({"type": "log", "level": "info", "text": "x"});
    let bad = json!({"type": "result", "outcome": "splendid"});
    let is = |row: Row, sentence| row.is(Outcome::Failed, "plugin-protocol", sentence);
    is(run(&[other, result("done")]), "version 2");
    is(run(&[result("done")]), "not `hello`");
    is(run(&[log.clone(), hello(), result("done")]), "not `hello`");
    is(run(&[json!({"type": "later"}), hello(), result("done")]), "not `hello`");
    is(run(&[hello(), result("done"), result("done")]), "2 results");
    is(run(&[hello(), result("failed"), result("done")]), "2 results");
    is(run(&[hello(), bad.clone(), result("done")]), "2 results");
    is(run(&[hello(), result("done"), log]), "1 messages after");
    is(run(&[hello(), result("done"), hello()]), "1 messages after");
    is(run(&[hello(), bad]), "cannot be read");
    is(run(&[]).stop(Stop::NoHello(Duration::from_secs(10))).killed(), "within 10 s");
    is(run(&[hello()]).stop(Stop::TooMuchOutput(64 << 20)).killed(), "more than 64 MiB");
    let full = run(&[hello()]).stop(Stop::WorkdirFull(1 << 30)).killed();
    full.is(Outcome::Failed, "plugin-workdir-full", "1024 MiB");
}

#[test]
fn sentences_that_are_shown_one_after_the_other_end_with_a_full_stop() {
    let mut ends = Vec::new();
    for sentence in ["DISK OK", "Done. ", "Really?", "Copied \"a\"", "Copied (2 files.)", "Cut…", ""] {
        let said = json!({"type": "result", "outcome": "done", "sentence": sentence});
        ends.push(run(&[hello(), said]).verdict().report.sentence);
    }
    assert_eq!(ends, ["DISK OK.", "Done. ", "Really?", "Copied \"a\".", "Copied (2 files.)", "Cut…", ""]);
    let crashed = run(&[hello()]).end(End::Code(1)).verdict().report.sentence;
    assert!(crashed.ends_with("without a result: KeyError: 'source'."), "{crashed}");
    let worse = json!({"type": "result", "outcome": "done", "sentence": "All of it", "counts": {"failed": 1}});
    assert_eq!(run(&[hello(), worse]).verdict().notes, ["The plugin said done: All of it."]);
}

#[test]
fn unsupported_is_its_own_cause() {
    run(&[hello(), json!({"type": "unsupported"})]).is(Outcome::Failed, "unsupported", "this operation");
    let proof = run(&[hello(), json!({"type": "unsupported"})]).op(Operation::Verify);
    assert_eq!(proof.verdict().report.next_step, None, "a check has nothing to prove");
    proof.is(Outcome::Failed, "unsupported", "no proof for this kind");
    run(&[json!({"type": "unsupported", "protocol": [2, 3]})]).is(Outcome::Failed, "unsupported", "version 2, 3");
    let both = run(&[hello(), result("done"), json!({"type": "unsupported"})]);
    both.is(Outcome::Failed, "plugin-protocol", "after its result");
}

#[test]
fn what_the_host_cancelled_is_cancelled_unless_it_was_completed() {
    let (stop, late) = (Stop::Cancelled, Stop::TimedOut(Duration::from_secs(12 * 3600)));
    run(&[hello(), result("cancelled")]).stop(stop).is(Outcome::Cancelled, "cancelled", "As said.");
    run(&[hello()]).stop(stop).killed().is(Outcome::Cancelled, "cancelled", "by force");
    run(&[hello()]).stop(late).killed().is(Outcome::Cancelled, "timeout", "longer than 12 h");
    run(&[hello()]).stop(stop).end(End::Signal(15)).is(Outcome::Cancelled, "cancelled", "was cancelled");
    run(&[hello(), result("failed")]).stop(stop).is(Outcome::Cancelled, "cancelled", "was cancelled");
    run(&[hello(), result("done"), result("done")]).stop(stop).is(Outcome::Cancelled, "cancelled", "was cancelled");
    run(&[hello(), result("done")]).stop(stop).is(Outcome::Done, "", "As said.");
    run(&[hello(), result("done")]).stop(stop).killed().is(Outcome::Cancelled, "cancelled", "by force");
}

fn counted(outcome: &str, counts: &Value) -> Value {
    json!({"type": "result", "outcome": outcome, "sentence": "As said.", "counts": counts})
}

#[test]
fn numbers_that_do_not_add_up_are_partial() {
    let is = |counts: Value, sentence| {
        run(&[hello(), counted("done", &counts)]).is(Outcome::Partial, "incomplete", sentence);
    };
    is(json!({"failed": 1}), "1 files failed");
    is(json!({"mismatched": 1}), "file on one side");
    is(json!({"seen": 5, "copied": 2, "skipped": 2}), "4 of the 5");
    is(json!({"seen": u64::MAX, "copied": u64::MAX - 1}), "accounts for");
    run(&[hello(), counted("done", &json!({"seen": 5, "copied": 3, "skipped": 2}))]).is(Outcome::Done, "", "As said.");
    run(&[hello(), counted("failed", &json!({"failed": 1}))]).is(Outcome::Failed, "", "As said.");
    let item = json!({"type": "item", "path": "a", "outcome": "unreadable"});
    run(&[hello(), item.clone(), result("done")]).is(Outcome::Partial, "incomplete", "names 1 files");
    run(&[hello(), item, result("partial")]).is(Outcome::Partial, "", "As said.");
    let changed = run(&[hello(), counted("nothing", &json!({"copied": 1}))]);
    assert!(changed.verdict().notes[0].contains("nothing to do"));
    changed.is(Outcome::Done, "", "As said.");
    // The plugin's own words are not lost.
    assert!(run(&[hello(), counted("done", &json!({"failed": 1}))]).verdict().notes[0].contains("done: As said."));
}

#[test]
fn deleting_more_than_allowed_failed() {
    let deleted = |number: u64| run(&[hello(), counted("done", &json!({"deleted": number}))]);
    deleted(2).is(Outcome::Done, "", "As said.");
    deleted(3).is(Outcome::Failed, "deleted-too-much", "deleted 3 files; 2 were allowed");
    deleted(3).op(Operation::Plan).is(Outcome::Done, "", "As said.");
}

#[test]
fn a_proof_names_its_evidence_and_finds_nothing_wrong() {
    let proven = json!({"type": "result", "outcome": "done", "sentence": "As said.", "counts": {"proven": 3},
        "evidence": {"method": "sha256"}});
    let verify = |said: &[Value]| run(said).op(Operation::Verify);
    verify(&[hello(), proven.clone()]).is(Outcome::Done, "", "As said.");
    verify(&[hello(), result("done")]).is(Outcome::Failed, "plugin-protocol", "and not how");
    let idle =
        |evidence: Value| json!({"type": "result", "outcome": "done", "sentence": "As said.", "evidence": evidence});
    verify(&[hello(), idle(json!({"method": "sha256"}))]).is(Outcome::Failed, "plugin-protocol", "it read no file");
    verify(&[hello(), idle(json!({"method": "tool"}))]).is(Outcome::Done, "", "As said.");
    let empty_part = idle(json!({"method": "sha256", "sample": {"part": 1, "of": 2}}));
    verify(&[hello(), empty_part]).is(Outcome::Done, "", "As said.");
    verify(&[hello(), result("nothing")]).is(Outcome::Nothing, "", "As said.");
    let differs = json!({"type": "item", "path": "a", "outcome": "differs"});
    verify(&[hello(), differs, proven]).is(Outcome::Failed, "proof-failed", "1 files of the copy");
    verify(&[hello(), counted("done", &json!({"failed": 2}))]).is(Outcome::Failed, "proof-failed", "2 files");
}

#[test]
fn r10_a_proof_of_some_files_is_no_proof_of_all_that_were_seen() {
    let is = |counts: Value, evidence: Value, outcome, cause, sentence| {
        let result = json!({"type": "result", "outcome": "done", "sentence": "As said.", "counts": counts,
            "evidence": evidence});
        run(&[hello(), result]).op(Operation::Verify).is(outcome, cause, sentence);
    };
    let short = |counts: Value, evidence: Value, sentence| {
        is(counts, evidence, Outcome::Partial, "not-proven", sentence);
    };
    let one = json!({"method": "sha256", "files": 1});
    short(json!({"seen": 1_000}), one.clone(), "accounts for 0 of the 1,000 files");
    short(json!({"seen": 1_000, "proven": 1}), one.clone(), "accounts for 1 of the 1,000 files");
    short(json!({"seen": 3, "proven": 1, "skipped": 1}), json!({"method": "tool"}), "accounts for 2 of the 3 files");
    short(json!({"seen": u64::MAX, "proven": 1}), one.clone(), "accounts for 1 of");
    short(json!({"seen": 1_000, "proven": 1_000}), one.clone(), "read 1 file, and says that 1,000 are proven");
    let whole = json!({"method": "sha256", "files": 1, "sample": {"part": 1, "of": 1}});
    short(json!({"seen": 2, "proven": 1}), whole, "accounts for 1 of the 2 files");
    let well = |counts: Value, evidence: Value| is(counts, evidence, Outcome::Done, "", "As said.");
    well(json!({"seen": 3, "proven": 1, "skipped": 2}), one);
    well(json!({"seen": 1_000, "proven": 1}), json!({"method": "sha256", "files": 1, "sample": {"part": 2, "of": 9}}));
    well(json!({"seen": 9, "proven": 9}), json!({"method": "own"}));
}

/// Lines of which most are nearly right.
fn any_line() -> impl Strategy<Value = Value> {
    let counts =
        any::<[u64; 3]>().prop_map(|[seen, copied, failed]| json!({"seen": seen, "copied": copied, "failed": failed}));
    prop_oneof![
        Just(hello()),
        Just(json!({"type": "hello", "protocol": 2, "name": "x"})),
        Just(json!({"type": "unsupported"})),
        Just(json!({"type": "progress", "files": -1})),
        Just(json!({"type": "item", "path": "a", "outcome": "failed"})),
        Just(json!({"type": "state", "state": "x".repeat(20_000)})),
        prop::sample::select(vec!["done", "nothing", "partial", "failed", "obstructed", "cancelled", "fine"])
            .prop_map(result),
        counts.prop_map(|counts| counted("done", &counts)),
        any::<String>().prop_map(Value::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(13), ..ProptestConfig::default() })]

    #[test]
    fn a_verdict_is_never_better_than_what_was_said(
        said in prop::collection::vec(any_line(), 0..8), code in prop::sample::select(vec![0, 0, 0, 1, 255]),
    ) {
        let row = run(&said).end(End::Code(code));
        let Verdict { report, .. } = row.verdict();
        let best = said.iter().filter_map(|line| line["outcome"].as_str()).filter_map(|outcome| {
            serde_json::from_value::<Outcome>(outcome.into()).ok()
        });
        if report.outcome < Outcome::Failed {
            prop_assert_eq!(code, 0);
            prop_assert!(best.min().is_some_and(|best| best <= report.outcome), "{:?}", report);
        }
        prop_assert!(report.sentence.chars().count() <= 302);
    }
}
