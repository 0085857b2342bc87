//! Lines that say how far a run is: there are thousands of them, and none says what happened.

use serde_json::Value;

use crate::number::{Base, figure};

/// Whether a line is rsync's `--info=progress2` or `--progress`, rclone's `stats` of a run in progress, or restic's `status`.
#[must_use]
pub fn is_progress(line: &str) -> bool {
    if line.starts_with('{') {
        return serde_json::from_str(line).is_ok_and(|value: Value| is_status(&value));
    }
    is_percentage(line)
}

fn is_status(value: &Value) -> bool {
    let kind = value.get("message_type").and_then(Value::as_str);
    let is_running = |stats: &Value| ["transferring", "checking"].iter().any(|key| stats.get(key).is_some());
    matches!(kind, Some("status" | "verbose_status")) || value.get("stats").is_some_and(is_running)
}

/// `     32,768  10%  254.85MB/s    0:00:00 (xfr#1, to-chk=5/7)`.
fn is_percentage(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let (Some(bytes), Some(percent), Some(rate)) = (words.next(), words.next(), words.next()) else { return false };
    line.starts_with(' ')
        && figure(bytes, Base::Decimal).is_some()
        && percent.strip_suffix('%').is_some_and(|percent| percent.parse::<u8>().is_ok())
        && rate.ends_with("B/s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_distinguished_from_what_happened() {
        for line in [
            "         32,768  10%    0.00kB/s    0:00:00",
            "        300,000  98%  254.85MB/s    0:00:00 (xfr#1, to-chk=5/7)",
            r#"{"message_type":"status","percent_done":0.5,"files_done":3}"#,
            r#"{"level":"info","msg":"x","stats":{"bytes":1,"transferring":[{"name":"a"}]}}"#,
        ] {
            assert!(is_progress(line), "{line}");
        }
        for line in [
            "",
            ">f+++++++++  32,768  10%  1.00kB/s",
            " 32,768 files are 10% of it",
            "{\"message_type\":\"status\"",
            r#"{"message_type":"error","item":"/x"}"#,
            r#"{"message_type":"summary","files_new":1}"#,
            r#"{"level":"info","msg":"last","stats":{"bytes":1,"errors":2}}"#,
            r#"{"level":"error","msg":"failed","object":"a"}"#,
        ] {
            assert!(!is_progress(line), "{line}");
        }
    }
}
