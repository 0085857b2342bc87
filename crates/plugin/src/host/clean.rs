//! Bounds and escapes what a plugin says, before anything shows or stores it.

use strongroom_model::text::printable;

use crate::protocol::{Evidence, Hello, Item, MAX_SENTENCE_CHARS, Problem, Progress, Report, Tool};

/// Names, versions, codes and phases.
const MAX_NAME_CHARS: usize = 80;
/// A path of 255-byte names, four deep.
const MAX_PATH_CHARS: usize = 1024;
/// The bytes of such a path in base64.
const MAX_PATH_BASE64_BYTES: usize = 5600;
/// Problems of one configuration: more help nobody.
const MAX_PROBLEMS: usize = 100;
/// Names in a list of a description.
const MAX_NAMES: usize = 100;

fn name(text: &mut String) {
    *text = printable(text, MAX_NAME_CHARS);
}

fn sentence(text: &mut String) {
    *text = printable(text, MAX_SENTENCE_CHARS);
}

pub(super) fn hello(mut hello: Hello) -> Hello {
    name(&mut hello.name);
    name(&mut hello.version);
    hello
}

pub(super) fn progress(mut progress: Progress) -> Progress {
    progress.phase.iter_mut().for_each(name);
    progress.item.iter_mut().for_each(|path| *path = printable(path, MAX_PATH_CHARS));
    progress
}

pub(super) fn item(mut item: Item) -> Item {
    item.path = printable(&item.path, MAX_PATH_CHARS);
    let is_base64 =
        |text: &String| text.len() <= MAX_PATH_BASE64_BYTES && data_encoding::BASE64.decode(text.as_bytes()).is_ok();
    item.path_b64 = item.path_b64.filter(is_base64);
    item.code.iter_mut().for_each(name);
    item.message.iter_mut().for_each(sentence);
    item
}

pub(super) fn report(mut report: Report) -> Report {
    sentence(&mut report.sentence);
    report.cause = report.cause.filter(|cause| is_code(cause));
    report.next_step.iter_mut().for_each(sentence);
    report.evidence.iter_mut().for_each(evidence);
    report.tool.iter_mut().for_each(tool);
    report.problems.truncate(MAX_PROBLEMS);
    report.problems.iter_mut().for_each(problem);
    if let Some(describe) = &mut report.describe {
        name(&mut describe.name);
        name(&mut describe.version);
        for names in [&mut describe.operations, &mut describe.secrets, &mut describe.platforms] {
            names.truncate(MAX_NAMES);
            names.iter_mut().for_each(name);
        }
    }
    report
}

/// A stable code: lower-case words with hyphens.
fn is_code(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() <= MAX_NAME_CHARS && text.bytes().all(is_allowed)
}

fn evidence(evidence: &mut Evidence) {
    name(&mut evidence.method);
    evidence.coverage.iter_mut().for_each(sentence);
    evidence.sample = evidence.sample.filter(|sample| (1..=sample.of).contains(&sample.part));
}

fn tool(tool: &mut Tool) {
    name(&mut tool.name);
    tool.version.iter_mut().for_each(name);
}

fn problem(problem: &mut Problem) {
    problem.pointer = printable(&problem.pointer, MAX_PATH_CHARS);
    sentence(&mut problem.message);
    sentence(&mut problem.next_step);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ItemOutcome, Outcome, Sample};

    #[test]
    fn nothing_that_a_plugin_says_controls_a_terminal_or_is_unbounded() {
        let long = "\u{1b}[2J".repeat(1000);
        let said = Report {
            evidence: Some(Evidence {
                method: long.clone(),
                sample: Some(Sample { part: 9, of: 3 }),
                ..Evidence::default()
            }),
            problems: vec![Problem { pointer: long.clone(), message: long.clone(), next_step: long.clone() }; 200],
            tool: Some(Tool { name: long.clone(), version: Some(long.clone()), exit_code: None }),
            ..Report::new(Outcome::Done, long.clone()).because(long.clone()).next_step(long.clone())
        };
        let text = serde_json::to_string(&report(said)).unwrap();
        assert!(!text.contains("\\u001b") && !text.contains("\"sample\""), "{text}");
        assert!(text.contains(r"\\u{1b}[2J") && text.len() < 1_000_000);
        assert_eq!(report(Report::new(Outcome::Failed, "x").because("tool failed")).cause, None);
        let cleaned = item(Item { path_b64: Some("!".to_owned()), ..Item::new(long, ItemOutcome::Failed) });
        assert!(cleaned.path_b64.is_none() && cleaned.path.len() < 6 * MAX_PATH_CHARS);
    }
}
