//! Lines to facts.

use serde_json::{Map, Value};
use strongroom_model::text::printable;

use crate::items::{Item, MAX_REASON_CHARS};
use crate::number::{Base, leading, scaled};
use crate::rclone::check::{Mark, combined};
use crate::rclone::{Facts, Stats};
use crate::read::Sink;
use crate::report::Facts as AnyFacts;

/// Reads one log's lines.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    run: Option<Facts>,
    pub(crate) is_one_run: bool,
    /// Lines that no other tool prints.
    pub(crate) marks: u64,
    /// Lines that are none of ours: what `check --combined` prints has no others.
    others: u64,
}

/// `2022/11/03 11:30:06 `.
const DATE_CHARS: usize = 20;

impl Reader {
    pub(crate) fn object(&mut self, object: &Map<String, Value>, sink: &mut Sink) {
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        let (Some(level), Some(message)) = (text("level"), text("msg")) else { return };
        self.marks += 1;
        let run = self.run(sink);
        if let Some(stats) = object.get("stats").and_then(Value::as_object) {
            run.stats = Some(stats_of(stats));
            run.is_followed = false;
            return;
        }
        run.is_followed = true;
        match text("skipped") {
            Some("delete") => run.would_delete += 1,
            Some("copy" | "move") => run.would_copy += 1,
            _ => {}
        }
        match (level, text("object")) {
            ("error" | "critical" | "alert" | "emergency", Some(path)) => {
                // A file system is named where no file is to blame.
                let is_file = text("objectType").is_none_or(|kind| !kind.ends_with(".Fs"));
                if is_file {
                    run.items.push(Item::new(Some(path), None, Some(message)));
                }
            }
            ("error", None)
                if object.get("source").and_then(Value::as_str).is_some_and(|at| at.starts_with("operations/")) =>
            {
                run.items.push(Item::new(None, None, Some(message)));
            }
            ("info", Some(_)) => run.named += 1,
            _ if message.starts_with("Can't follow symlink") => run.links_skipped += 1,
            _ => {}
        }
    }

    pub(crate) fn text(&mut self, line: &str, sink: &mut Sink) {
        match line.as_bytes().first() {
            Some(b'0'..=b'9') => self.dated(line, sink),
            Some(b'T' | b'E' | b'C' | b'D') => self.block(line, sink),
            Some(b'=' | b'-' | b'+' | b'*' | b'!') => self.combined(line, sink),
            _ => self.others += u64::from(!line.trim().is_empty()),
        }
    }

    /// `2022/11/03 11:30:06 ERROR : path: text`, `2022/11/03 11:30:06 Failed to sync: text`.
    fn dated(&mut self, line: &str, sink: &mut Sink) {
        self.others += 1;
        let is_dated = line.as_bytes().get(4) == Some(&b'/') && line.as_bytes().get(19) == Some(&b' ');
        let Some(rest) = line.get(DATE_CHARS..).filter(|_| is_dated) else { return };
        if let Some(failed) = rest.strip_prefix("Failed to ") {
            self.marks += 1;
            let (verb, message) = failed.split_once([':', ' ']).unwrap_or((failed, ""));
            let message = message.rsplit_once("last error was: ").map_or(message, |(_, last)| last);
            let run = self.run.get_or_insert_default();
            run.failed_verb = Some(printable(verb, 20));
            run.message = Some(printable(message.trim(), MAX_REASON_CHARS));
            return;
        }
        if let Some(message) = rest.strip_prefix("Fatal error: ") {
            self.marks += 1;
            self.run.get_or_insert_default().message = Some(printable(message.trim(), MAX_REASON_CHARS));
            return;
        }
        let Some((level, text)) = rest.split_once(':') else { return };
        let level = level.trim_end();
        if !matches!(level, "DEBUG" | "INFO" | "NOTICE" | "WARNING" | "ERROR" | "CRITICAL") {
            return;
        }
        self.marks += 1;
        let run = self.run(sink);
        run.is_followed = true;
        let Some((path, message)) = text.trim().split_once(": ") else { return };
        match level {
            "ERROR" | "CRITICAL" if !path.starts_with("Attempt ") => {
                run.items.push(Item::new(Some(path), None, Some(message)));
            }
            "INFO" => run.named += 1,
            _ if message.starts_with("Can't follow symlink") => run.links_skipped += 1,
            _ if message.starts_with("Skipped delete") => run.would_delete += 1,
            _ if message.starts_with("Skipped copy") || message.starts_with("Skipped move") => run.would_copy += 1,
            _ => {}
        }
    }

    /// The block of figures: `Transferred:`, `Errors:`, `Checks:`, `Deleted:`, `Elapsed time:`, `Transferring:`.
    fn block(&mut self, line: &str, sink: &mut Sink) {
        let Some((label, value)) = line.split_once(':') else {
            self.others += 1;
            return;
        };
        let first = || leading(value.trim(), Base::Binary);
        match label {
            "Transferred" if value.contains("B /") || value.contains("Bytes /") => {
                let bytes = sized(value);
                self.run(sink).stats = Some(Stats { bytes, ..Stats::default() });
            }
            "Transferred" => self.stats().transfers = first().unwrap_or(0),
            "Checks" => self.stats().checks = first().unwrap_or(0),
            "Errors" => self.stats().errors = first().unwrap_or(0),
            "Deleted" => self.stats().deletes = first().unwrap_or(0),
            "Transferring" => self.stats().is_running = true,
            "Elapsed time" => {
                self.marks += 1;
                self.stats();
                self.run.get_or_insert_default().is_followed = false;
            }
            _ => self.others += 1,
        }
    }

    fn stats(&mut self) -> &mut Stats {
        self.run.get_or_insert_default().stats.get_or_insert_default()
    }

    fn combined(&mut self, line: &str, _sink: &mut Sink) {
        let Some((mark, path)) = combined(line) else {
            self.others += 1;
            return;
        };
        let run = self.run.get_or_insert_default();
        run.combined.count(mark);
        let reason = match mark {
            Mark::Same | Mark::OnlyTarget => return,
            Mark::OnlySource => "it is missing in the target",
            Mark::Differs => "it differs",
            Mark::Error => "it could not be compared",
        };
        run.items.push(Item::new(Some(path), None, Some(reason)));
    }

    /// The run that a line belongs to: another one if the last said its last word.
    fn run(&mut self, sink: &mut Sink) -> &mut Facts {
        if !self.is_one_run && self.run.as_ref().is_some_and(|run| run.message.is_some()) {
            self.close(sink);
        }
        self.run.get_or_insert_default()
    }

    fn close(&mut self, sink: &mut Sink) {
        if let Some(run) = self.run.take() {
            sink.push(AnyFacts::Rclone(Box::new(run)));
        }
    }

    pub(crate) fn finish(mut self, sink: &mut Sink) {
        self.close(sink);
    }

    /// Whether a log of nothing but `check --combined` lines was read.
    pub(crate) fn settle_marks(&mut self) {
        if self.marks > 0 {
            return;
        }
        // Lists of other programs have asterisks or dashes too, but not both, and no equals signs.
        let of = self.run.as_ref().map(|run| run.combined).unwrap_or_default();
        let kinds = [of.only_target, of.only_source, of.differ, of.errors].iter().filter(|&&n| n > 0).count();
        if self.others == 0 && (of.same > 0 || kinds > 1) {
            self.marks = of.all();
        } else {
            self.run = None;
        }
    }
}

/// `128.014 KiB / 128.014 KiB, 100%`: the first figure.
fn sized(value: &str) -> u64 {
    let mut words = value.split_whitespace();
    let (Some(figure), Some(unit)) = (words.next(), words.next()) else { return 0 };
    unit.chars()
        .next()
        .and_then(|unit| scaled(figure, unit, Base::Binary))
        .unwrap_or_else(|| figure.parse().unwrap_or(0))
}

fn stats_of(stats: &Map<String, Value>) -> Stats {
    let number = |key: &str| stats.get(key).and_then(Value::as_u64).unwrap_or(0);
    Stats {
        bytes: number("bytes"),
        checks: number("checks"),
        deletes: number("deletes"),
        errors: number("errors"),
        transfers: number("transfers"),
        is_fatal: stats.get("fatalError").and_then(Value::as_bool).unwrap_or(false),
        last_error: stats.get("lastError").and_then(Value::as_str).map(|text| printable(text, MAX_REASON_CHARS)),
        is_running: ["transferring", "checking"].iter().any(|key| stats.contains_key(*key)),
    }
}
