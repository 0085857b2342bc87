//! What one line of standard output is.

use serde_json::Value;

use super::lines::BoundedLine;
use super::redact::Redactor;
use crate::protocol::PluginMessage;

/// What one line of standard output is, without its secrets.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reading {
    Message(PluginMessage),
    /// A type of a later version.
    UnknownType,
    /// A known type whose fields cannot be read.
    Malformed {
        kind: String,
        why: String,
    },
    /// No message: text that was printed by mistake.
    Stray,
    /// Blanks only.
    Empty,
}

/// Reads a line, and gives the text to be kept of it. Carriage returns at its end and a byte order mark at its start
/// are ignored; bytes that are not UTF-8 are replaced.
pub(super) fn read(mut line: BoundedLine, redactor: &Redactor) -> (Reading, String) {
    if line.is_cut {
        redactor.cut(&mut line.bytes);
    }
    let text = String::from_utf8_lossy(&line.bytes);
    let text = text.trim_start_matches('\u{feff}').trim_end_matches('\r');
    if text.trim().is_empty() {
        return (Reading::Empty, String::new());
    }
    let stray = || (Reading::Stray, redactor.text(text).into_owned());
    let Ok(mut value) = serde_json::from_str::<Value>(text) else { return stray() };
    redactor.value(&mut value);
    // Once more as text: a number may be a secret too.
    let kept = redactor.text(&value.to_string()).into_owned();
    let Some(kind) = value.get("type").and_then(Value::as_str).map(ToOwned::to_owned) else { return stray() };
    if !PluginMessage::TYPES.contains(&kind.as_str()) {
        return (Reading::UnknownType, kept);
    }
    match serde_json::from_value(value) {
        Ok(message) => (Reading::Message(message), kept),
        Err(error) => (Reading::Malformed { kind, why: error.to_string() }, kept),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::protocol::Secret;

    fn reading(bytes: &[u8]) -> (Reading, String) {
        let redactor = Redactor::new(&BTreeMap::from([("p".to_owned(), Secret::new("hunter2"))])).unwrap();
        read(BoundedLine { bytes: bytes.to_vec(), is_cut: false }, &redactor)
    }

    #[test]
    fn messages_are_read_in_spite_of_marks_and_carriage_returns() {
        let (read, _) = reading("\u{feff}{\"type\":\"log\",\"level\":\"info\",\"text\":\"x\"}\r".as_bytes());
        assert!(matches!(read, Reading::Message(PluginMessage::Log(_))));
        let (read, kept) = reading(b"{\"type\":\"log\",\"level\":\"info\",\"text\":\"\xff hunter2\"}");
        assert!(matches!(read, Reading::Message(PluginMessage::Log(_))));
        assert!(!kept.contains("hunter2"));
    }

    #[test]
    fn what_is_no_message_is_text() {
        for line in
            [&b"Sending build context"[..], b"[1]", b"{\"kind\":\"log\"}", b"{\"type\":7}", b"\x1b[2K{}", b"7", b"{"]
        {
            assert_eq!(reading(line).0, Reading::Stray, "{line:?}");
        }
        assert_eq!(reading(b" \r").0, Reading::Empty);
        assert_eq!(reading("[".repeat(60_000).as_bytes()).0, Reading::Stray);
    }

    #[test]
    fn later_types_and_bad_fields_are_told_apart() {
        assert_eq!(reading(b"{\"type\":\"heartbeat\"}").0, Reading::UnknownType);
        let (Reading::Malformed { kind, why }, _) = reading(b"{\"type\":\"result\",\"outcome\":\"fine\"}") else {
            panic!()
        };
        assert!(kind == "result" && why.contains("fine"), "{why}");
    }
}
