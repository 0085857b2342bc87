//! Only `model` knows the families of work: the event log and the bus store and route text, and name none of them.
//!
//! Looked at are identifiers and string literals, outside comments and unit tests, so that plain English does not trip.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use strongroom_tests::audit::files_below;
use strongroom_tests::schemas::workspace_root;

/// The crates of the kernel that every family goes through.
const KERNEL: [&str; 2] = ["crates/eventlog/src", "crates/bus/src"];

/// Words that no identifier holds, in whatever case.
const IN_NAMES: [&str; 8] =
    ["booking", "bookings", "timesheet", "timesheets", "drive", "drives", "enumerated", "fetched"];
/// Types and variants of families: their single words are plain English, or the standard library's.
const NAMES: [&str; 11] = [
    "Archived",
    "BackedUp",
    "Enumerate",
    "Purged",
    "Retried",
    "RunEnumerated",
    "RunFailed",
    "RunId",
    "RunRequested",
    "SummaryComposed",
    "SummarySent",
];
/// What names one of a family's own when it stands before `::`, and what of it the kernel uses itself: all stages, and
/// alarms, which it raises.
const ENUMS: [(&str, &str); 3] = [("StageName", "ALL"), ("SubjectKind", "Alarm"), ("Event", "Alarm")];
/// Words that no text holds: messages, SQL, names of metrics and queues.
const IN_TEXTS: [&str; 15] = [
    "archive",
    "archived",
    "backed",
    "booking",
    "bookings",
    "drive",
    "drives",
    "enumerate",
    "enumerated",
    "fetch",
    "fetched",
    "purge",
    "purged",
    "timesheet",
    "timesheets",
];

#[derive(Debug, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Path,
}

/// The identifiers, texts and `::` of a source.
fn tokens(source: &str) -> Vec<Token> {
    let (mut tokens, mut rest) = (Vec::new(), source);
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
        } else if rest.starts_with("::") {
            tokens.push(Token::Path);
            rest = &rest[2..];
        } else if let Some((text, after)) = raw_text(rest).or_else(|| quoted(rest)) {
            tokens.push(Token::Text(text.to_owned()));
            rest = after;
        } else if c == '\'' {
            // A character, or a lifetime, whose name is looked at like any other.
            let is_char = rest[1..].starts_with('\\') || rest[1..].chars().nth(1) == Some('\'');
            let end = rest[1..].char_indices().skip(1).find(|(_, c)| *c == '\'').map(|(at, _)| at + 2);
            rest = if is_char { &rest[end.unwrap()..] } else { &rest[1..] };
        } else if c.is_alphabetic() || c == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(Token::Name(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            rest = &rest[c.len_utf8()..];
        }
    }
    tokens
}

/// A text that begins here, and what comes after it.
fn quoted(rest: &str) -> Option<(&str, &str)> {
    let inside = rest.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some((&inside[..at], &inside[at + 1..])),
            _ => {}
        }
    }
    panic!("a text does not end: {}", rest.lines().next().unwrap());
}

fn raw_text(rest: &str) -> Option<(&str, &str)> {
    let inside = rest.strip_prefix("r#\"")?;
    inside.split_once("\"#")
}

/// The words of an identifier, in small letters: `DriveId` and `drive_id` are `drive` and `id`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if c == '_' || c.is_uppercase() {
            words.push(String::new());
        }
        words.last_mut().unwrap().extend(c.to_lowercase().filter(|c| c.is_alphanumeric()));
    }
    words
}

/// What of a source names a family.
fn families(source: &str) -> Vec<String> {
    let of_tests = ["#[cfg(test)]\nmod tests", "#[cfg(test)]\npub(super) mod tests"];
    let code = of_tests.iter().fold(source, |code, tests| code.split(tests).next().unwrap_or(code));
    let tokens = tokens(code);
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Name(name) => {
                let is_word = words(name).iter().any(|word| IN_NAMES.contains(&word.as_str()));
                let before = at.checked_sub(2).map(|at| &tokens[at..]);
                let of = before.and_then(|before| match before {
                    [Token::Name(of), Token::Path, ..] => ENUMS.iter().find(|(known, _)| known == of),
                    _ => None,
                });
                let is_variant = name.starts_with(char::is_uppercase);
                if is_word
                    || NAMES.contains(&name.as_str())
                    || of.is_some_and(|(_, own)| is_variant && !name.starts_with(own))
                {
                    found.push(name.clone());
                }
            }
            Token::Text(text) => {
                let mut words = text.split(|c: char| !c.is_alphabetic());
                if words.any(|word| IN_TEXTS.contains(&word)) {
                    found.push(format!("{text:?}"));
                }
            }
            Token::Path => {}
        }
    }
    found
}

#[test]
fn the_event_log_and_the_bus_name_no_family_of_work() {
    let root = workspace_root();
    let mut files: Vec<_> = KERNEL.iter().flat_map(|folder| files_below(&root.join(folder))).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs") && !file.ends_with("tests.rs"));
    assert!(files.len() > 60, "the kernel's sources are elsewhere: {files:?}");
    let mut named = Vec::new();
    for file in files {
        for what in families(&std::fs::read_to_string(&file).unwrap()) {
            named.push(format!("{}: {what}", file.strip_prefix(&root).unwrap().display()));
        }
    }
    assert!(named.is_empty(), "only `model` knows families of work:\n{}", named.join("\n"));
}

#[test]
fn a_family_is_found_in_code_and_texts_and_not_in_english() {
    for bad in [
        "use strongroom_model::booking::Booking;",
        "fn f(drive: DriveId) {}",
        "let stage = StageName::Verify;",
        "match kind { SubjectKind::Run => 1 }",
        "Event::TimesheetHeld(held)",
        "Event::RunFailed(failed)",
        "\"SELECT 1 WHERE kind <> 'booking'\"",
        "r#\"strongroom.verify, then archive\"#",
        "metrics::gauge!(\"strongroom_bookings_total\")",
        "let x = '\\''; let y = StageName::Fetch;",
    ] {
        assert!(!families(bad).is_empty(), "{bad}");
    }
    for good in [
        "// a booking's drive, which verify reads back",
        "/// It runs until the drive is fetched.",
        "for (n, row) in rows.iter().enumerate() { query.fetch_all(connection).await }",
        "StageName::ALL.iter().copied().filter(|stage| stage.is_partitioned())",
        "SubjectKind::Alarm; Event::AlarmRaised(raised); Event::held(kind, held); log.verify().await; worker.run()",
        "fn f<'a>(x: &'a str) {}\n#[cfg(test)]\nmod tests { use StageName::Fetch; }",
        "\"run `strongroom log verify` as the database's owner\"",
    ] {
        assert_eq!(families(good), Vec::<String>::new(), "{good}");
    }
}
