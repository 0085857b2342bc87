//! A drive's identity: `<root>/.strongroom/drive.json`.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strongroom_model::{DriveId, text};

pub(crate) const FOLDER: &str = ".strongroom";
pub(crate) const FILE: &str = "drive.json";
pub(crate) const PATH: &str = ".strongroom/drive.json";
const FORMAT: u32 = 1;
/// Identities have a few hundred bytes.
pub(crate) const MAX_BYTES: usize = 64 * 1024;
/// Fits a sticker.
const MAX_LABEL_CHARS: usize = 64;

/// A drive's identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The format's version.
    pub format: u32,
    /// The drive's unique id.
    pub id: DriveId,
    /// The label on its sticker.
    pub label: String,
    /// When it was set up.
    pub created_at: Timestamp,
    /// This file's birth time in Unix nanoseconds, where the file system keeps it and nobody can set it: a copy has
    /// another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) born: Option<String>,
    /// Set up in memory on purpose, to try things out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) in_memory: bool,
}

#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

impl Identity {
    pub(crate) fn new(label: &str, now: Timestamp, born: Option<String>) -> Self {
        Self { format: FORMAT, id: DriveId::random(), label: label.to_owned(), created_at: now, born, in_memory: false }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("an identity has string keys only");
        bytes.push(b'\n');
        bytes
    }

    /// Another version's identity must be left alone.
    pub(crate) fn is_newer(bytes: &[u8]) -> bool {
        serde_json::from_slice(bytes).is_ok_and(|Versioned { format }| format != FORMAT)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        if bytes.is_empty() || bytes.iter().all(|byte| *byte == 0) {
            return Err("it is empty or full of zero bytes, as after a power cut".to_owned());
        }
        if bytes.len() > MAX_BYTES {
            return Err(format!("it is longer than {MAX_BYTES} bytes"));
        }
        let Versioned { format } = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if format != FORMAT {
            return Err(format!("it has format {format}, this version reads format {FORMAT}: upgrade strongroom"));
        }
        let identity: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if !is_label(&identity.label) {
            return Err(format!("{:?} is not a label", text::printable(&identity.label, MAX_LABEL_CHARS)));
        }
        Ok(identity)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({})", self.label, self.id)
    }
}

/// Whether a label fits a sticker and a mail's subject.
pub(crate) fn is_label(label: &str) -> bool {
    let count = label.chars().count();
    (1..=MAX_LABEL_CHARS).contains(&count) && label.trim() == label && text::printable(label, count) == label
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELEASED: &str = r#"{
  "format": 1,
  "id": "7d444840-9dc0-41d1-b245-5ffdce74fad2",
  "label": "Blue 4 TB",
  "created_at": "2026-11-21T08:30:00Z",
  "born": "1795249800123456789"
}
"#;

    #[test]
    fn the_released_format_stays_readable() {
        let identity = Identity::from_bytes(RELEASED.as_bytes()).unwrap();
        assert_eq!(identity.label, "Blue 4 TB");
        assert_eq!(String::from_utf8(identity.to_bytes()).unwrap(), RELEASED);
    }

    #[test]
    fn a_bad_identity_says_what_is_wrong() {
        for (bytes, part) in [
            (String::new(), "power cut"),
            ("\0".repeat(200), "power cut"),
            ("{".to_owned(), "EOF"),
            ("{}".to_owned(), "format"),
            (RELEASED.replace("\"format\": 1", "\"format\": 2"), "upgrade strongroom"),
            (RELEASED.replace("7d444840", "zz"), "UUID"),
            (RELEASED.replace("Blue", "\\u001b[2J"), "is not a label"),
            ("x".repeat(MAX_BYTES + 1), "longer than"),
        ] {
            let reason = Identity::from_bytes(bytes.as_bytes()).unwrap_err();
            assert!(reason.contains(part), "{reason}");
        }
    }

    #[test]
    fn a_label_is_short_and_printable() {
        assert!(is_label("Blue 4 TB – März"));
        for bad in ["", " x", "a\nb", "a\u{202e}b", &"x".repeat(65)] {
            assert!(!is_label(bad), "{bad:?}");
        }
    }
}
