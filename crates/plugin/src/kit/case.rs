//! One case.

use serde::Serialize;
use strongroom_model::text::printable;

/// Of what was seen.
const MAX_SEEN_CHARS: usize = 3_000;

/// One case, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Case {
    /// Its number, which stays the same for good.
    pub number: u8,
    /// Its name.
    pub name: &'static str,
    /// What came of it.
    pub status: Status,
    /// What was expected.
    pub expected: &'static str,
    /// What was seen instead, with the plugin's own bytes; or why it was skipped.
    pub seen: String,
}

/// What came of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As expected.
    Ok,
    /// Not as expected.
    NotOk,
    /// Not tried, for the reason given.
    Skipped,
}

/// What a case found.
pub(super) enum Found {
    Ok,
    NotOk(String),
    Skipped(String),
}

impl Found {
    pub(super) fn when(is_ok: bool, seen: impl FnOnce() -> String) -> Self {
        if is_ok { Self::Ok } else { Self::NotOk(seen()) }
    }

    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self::Skipped(why.into())
    }
}

/// Number, name, what is expected.
pub(super) const CASES: [(u8, &str, &str); 30] = [
    (1, "describe", "`describe` answers within 10 s, with a result that describes the plugin"),
    (2, "schema", "the configuration's schema is a JSON Schema, and the examples fit it"),
    (3, "other version", "a request that offers only protocol 99 gets `unsupported`, and exit code 0"),
    (4, "unknown operation", "the operation `frobnicate` gets `unsupported`, and exit code 0"),
    (5, "unknown fields", "fields of the request that nobody knows change nothing"),
    (6, "closed input", "standard input that ends after the request changes nothing"),
    (7, "open input", "standard input that stays open changes nothing"),
    (8, "wrong configuration", "`validate` names a value of the wrong type with a JSON pointer, without a traceback"),
    (9, "objects only", "each line on standard output is a JSON object with a `type`"),
    (10, "encoding", "standard output is UTF-8, without a byte order mark"),
    (11, "short lines", "no line is longer than 64 KiB"),
    (12, "one result", "`hello` is the first message, and one `result` or `unsupported` the last"),
    (13, "exit code", "the exit code after a result is 0"),
    (14, "secrets", "no secret, in no form, in its output, its working directory or a command line"),
    (15, "bare environment", "it runs in an empty folder with nothing but PATH in its environment"),
    (16, "cancel", "a `cancel` line ends `run` within 30 s with `cancelled`, or `run` is done before"),
    (17, "SIGTERM", "SIGTERM ends it within 10 s, and no process is left"),
    (18, "plan", "`plan` changes no byte of source and target"),
    (19, "run twice", "the second of two runs says `nothing`, or copies no file"),
    (20, "target missing", "`run` says `obstructed`, and creates nothing"),
    (21, "source missing", "`run` says `failed`"),
    (22, "source empty", "an empty source deletes nothing in a full target"),
    (23, "unreadable file", "`run` says `partial`, and an item names the file"),
    (24, "flipped byte", "`verify` finds one changed byte in a file of the same size and time"),
    (25, "missing copy", "`verify` finds that a file of the copy is gone"),
    (
        26,
        "names",
        "files with blanks, a leading hyphen, a line feed, ü in two characters and 250 characters are copied",
    ),
    (27, "disk full", "`run` onto a full disk says `obstructed`, `partial` or `failed`, never `done`"),
    (28, "sign of life", "during `run` a message comes at least every `stall_s` seconds"),
    (29, "no orphans", "no process is left after an operation"),
    (30, "proof", "`verify` after a good run says `done`, with evidence"),
];

/// A case with what it found.
pub(super) fn case(number: u8, found: Found) -> Case {
    let (number, name, expected) = CASES[usize::from(number) - 1];
    let (status, seen) = match found {
        Found::Ok => (Status::Ok, String::new()),
        Found::NotOk(seen) => (Status::NotOk, seen),
        Found::Skipped(why) => (Status::Skipped, why),
    };
    Case { number, name, status, expected, seen: printable(&seen, MAX_SEEN_CHARS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cargo xtask schemas` writes it again, with `UPDATE_SCHEMAS=1`.
    #[test]
    fn the_page_lists_the_cases_like_a_schema_in_the_repository() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plugins.md");
        let page = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once("<!-- cases -->\n").unwrap();
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        let rows: String =
            CASES.iter().map(|(number, name, expected)| format!("| {number} {name} | {expected} |\n")).collect();
        let current = format!("{before}<!-- cases -->\n{rows}<!-- end -->{after}");
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(&path, &current).unwrap();
        }
        assert!(page == current, "docs/plugins.md has drifted: run this test with UPDATE_SCHEMAS=1");
    }

    #[test]
    fn cases_are_found_by_their_numbers() {
        for number in 1..=30 {
            assert_eq!(case(number, Found::Ok).number, number);
        }
    }
}
