//! Lines that are no JSON.

use strongroom_model::text::printable;

use crate::items::{Item, MAX_REASON_CHARS};
use crate::number::{Base, integer, leading, scaled};
use crate::restic::{DataRead, Facts, Other, Summary};

/// Takes what a line says. Returns whether it was a line of restic's.
pub(crate) fn text_line(line: &str, run: &mut Facts) -> bool {
    if let Some(fatal) = line.strip_prefix("Fatal: ") {
        run.fatal = Some(printable(fatal.trim(), MAX_REASON_CHARS));
        if fatal.starts_with("repository contains errors") {
            run.other = Some(Other::CheckedBadly);
        }
        return true;
    }
    // `check` of releases before 0.17 says it without the word.
    if line.starts_with("unable to create lock in backend: ") {
        run.fatal = Some(printable(line.trim(), MAX_REASON_CHARS));
        return true;
    }
    if let Some(source) = line.strip_suffix(" does not exist, skipping") {
        run.missing_sources += 1;
        run.items.push(Item::new(Some(source), None, Some("it does not exist, and was skipped")));
        return true;
    }
    if let Some(rest) = line.strip_prefix("processed ").filter(|rest| rest.contains(" files, ")) {
        let summary = run.summary.get_or_insert_default();
        summary.total_files = leading(rest, Base::Binary).unwrap_or(0);
        summary.total_bytes = rest.split_once(" files, ").map_or(0, |(_, size)| sized(size));
        return true;
    }
    if let Some(id) = line.strip_prefix("snapshot ").and_then(|rest| rest.strip_suffix(" saved")) {
        run.summary.get_or_insert_default().snapshot = Some(printable(id, 64));
        return true;
    }
    if line.starts_with("Files: ") && line.contains(" unmodified") {
        let summary = run.summary.get_or_insert_default();
        let mut figures = line.split_whitespace().filter_map(integer);
        let mut next = || figures.next().unwrap_or(0);
        (summary.files_new, summary.files_changed, summary.files_unmodified) = (next(), next(), next());
        return true;
    }
    if let Some(error) = line.strip_prefix("error: ").filter(|_| run.status > 0 || run.other.is_some()) {
        run.items.push(Item::new(None, None, Some(error)));
        return true;
    }
    checks(line, run)
}

fn checks(line: &str, run: &mut Facts) -> bool {
    let other = match line.trim_end() {
        "no errors were found" => Other::CheckedWell,
        "check all packs" | "check snapshots, trees and blobs" => {
            if run.data_read == DataRead::Unknown {
                run.data_read = DataRead::None;
            }
            Other::CheckBegun
        }
        "read all data" => {
            run.data_read = DataRead::All;
            Other::CheckBegun
        }
        line if run.other == Some(Other::CheckBegun) && is_part(line) => {
            run.data_read = DataRead::Part;
            Other::CheckBegun
        }
        "loading all snapshots..." | "finding data that is still in use" => Other::Pruned,
        line if line.starts_with("created restic repository ") => Other::Created,
        line if line.starts_with("[{\"") && line.contains("\"short_id\":\"") => {
            // A line may be cut: so many are seen.
            Other::Listed(line.matches("\"short_id\":\"").count() as u64)
        }
        line if is_damage(line) => {
            run.damage += 1;
            run.first_damage.get_or_insert_with(|| printable(line, MAX_REASON_CHARS));
            return true;
        }
        line => return is_known(line),
    };
    // The last words are the result; "check all packs" does not take back what was found.
    if other != Other::CheckBegun || run.other.is_none() {
        run.other = Some(other);
    }
    true
}

/// `read group #1 of 12 data packs …`, `read 5.0% of data packs`, `read 10 bytes of data packs`.
fn is_part(line: &str) -> bool {
    line.starts_with("read ") && line.contains(" of ") && line.contains("data packs")
}

fn is_damage(line: &str) -> bool {
    line.starts_with("Pack ID does not match, want ")
        || line.starts_with("pack ")
            && (line.contains(": not found") || line.contains("contains") && line.contains("errors"))
        || line.starts_with("error for tree ")
        || line.starts_with("error for snapshot ")
}

fn is_known(line: &str) -> bool {
    line.starts_with("using temporary cache in ") && line.contains("restic")
        || line.starts_with("create exclusive lock for repository")
        || line.starts_with("Load(<") && line.contains(" returned error, retrying after ")
        || line.starts_with("Is there a repository at the following location?")
        || line.starts_with("repository ") && line.contains(" opened (version ")
}

/// `2.861 MiB in 0:00`.
fn sized(text: &str) -> u64 {
    let mut words = text.split_whitespace();
    let (Some(figure), Some(unit)) = (words.next(), words.next()) else { return 0 };
    unit.chars()
        .next()
        .and_then(|unit| scaled(figure, unit, Base::Binary))
        .unwrap_or_else(|| figure.parse().unwrap_or(0))
}

/// The message `summary`.
pub(crate) fn summary_of(object: &serde_json::Map<String, serde_json::Value>) -> Summary {
    let number = |key: &str| object.get(key).and_then(serde_json::Value::as_u64).unwrap_or(0);
    Summary {
        files_new: number("files_new"),
        files_changed: number("files_changed"),
        files_unmodified: number("files_unmodified"),
        total_files: number("total_files_processed"),
        total_bytes: number("total_bytes_processed"),
        data_added: number("data_added"),
        is_dry_run: object.get("dry_run").and_then(serde_json::Value::as_bool).unwrap_or(false),
        snapshot: object.get("snapshot_id").and_then(serde_json::Value::as_str).map(|id| printable(id, 64)),
    }
}
