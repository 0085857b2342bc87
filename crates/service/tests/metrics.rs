//! The table of metrics is what the code records: dashboards and alerts are written against it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use strongroom_service::metrics::{METRICS, MetricKind, RecordedBy};

/// The macros that record.
const MACROS: [&str; 3] = ["counter", "gauge", "histogram"];

/// One use of a macro: where it stands, what kind it records, and what is in its parentheses.
struct Recorded {
    file: PathBuf,
    kind: &'static str,
    arguments: String,
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// Everything that the product records under one of our names.
fn recorded() -> Vec<Recorded> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for part in ["crates", "stages", "apps"] {
        for entry in std::fs::read_dir(root.join(part)).unwrap() {
            let source = entry.unwrap().path().join("src");
            if source.is_dir() {
                sources(&source, &mut files);
            }
        }
    }
    files.iter().flat_map(|file| uses(file)).collect()
}

fn uses(file: &Path) -> Vec<Recorded> {
    let text = std::fs::read_to_string(file).unwrap();
    let text = text.split("mod tests {").next().unwrap();
    let mut uses = Vec::new();
    for kind in MACROS {
        for after in text.split(&format!("{kind}!(")).skip(1) {
            // To the parenthesis that ends it, whatever stands between.
            let mut depth = 1_i32;
            let end = after.char_indices().find(|(_, c)| {
                depth += i32::from(*c == '(') - i32::from(*c == ')');
                depth == 0
            });
            let arguments = &after[..end.map_or(after.len(), |(at, _)| at)];
            if arguments.trim_start().starts_with("\"strongroom_") {
                uses.push(Recorded { file: file.to_owned(), kind, arguments: arguments.to_owned() });
            }
        }
    }
    uses
}

fn kind(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge => "gauge",
        MetricKind::Histogram { .. } => "histogram",
    }
}

#[test]
fn what_is_recorded_stands_in_the_table_with_its_kind_and_labels() {
    let table: BTreeMap<_, _> = METRICS.iter().map(|metric| (metric.name, metric)).collect();
    let recorded = recorded();
    assert!(!recorded.is_empty(), "the stages' tasks are counted, at least");
    for Recorded { file, kind: recorded, arguments } in recorded {
        let place = file.display();
        let name = arguments.split('"').nth(1).unwrap();
        let metric = table.get(name).unwrap_or_else(|| panic!("{place}: {name} is not in metrics::table"));
        assert_eq!(kind(metric.kind), recorded, "{place}: {name}");
        let mut labels: Vec<_> = arguments.split("=>").map(|part| part.rsplit('"').nth(1)).collect();
        // What follows the last arrow is a value.
        labels.pop();
        let labels: Vec<_> = labels.into_iter().flatten().collect();
        assert_eq!(labels, metric.labels, "{place}: the labels of {name}");
    }
}

/// The page for people, written again by `cargo xtask schemas` as what else is taken from the code.
#[test]
fn the_page_beside_the_schema_in_the_repository_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    let current = page();
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == current, "docs/metrics.md has drifted: `cargo xtask schemas` writes it again");
}

const fn by(by: RecordedBy) -> &'static str {
    match by {
        RecordedBy::Every => "every process",
        RecordedBy::Relay => "the relay",
        RecordedBy::Stages => "each stage's process",
        RecordedBy::ServerClients => "`enumerate`, `fetch`, `archive`",
    }
}

fn page() -> String {
    let mut page = "# Metrics\n\n\
        What a process tells at `/metrics`, where `health.listen` or `--listen` names an address, in Prometheus' text\n\
        format. Counters begin at nothing with each process; a metric shows once it was recorded for the first time.\n\n\
        | metric | kind | labels | recorded by | what it says |\n| --- | --- | --- | --- | --- |\n"
        .to_owned();
    for metric in METRICS {
        let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let row = [
            format!("`{}`", metric.name),
            kind(metric.kind).to_owned(),
            labels.join(", "),
            by(metric.by).to_owned(),
            metric.help.to_owned(),
        ];
        page += &format!("| {} |\n", row.join(" | "));
    }
    page
}
