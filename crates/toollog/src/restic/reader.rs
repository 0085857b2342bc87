//! Lines to facts.

use serde_json::{Map, Value};
use strongroom_model::text::printable;

use crate::items::{Item, MAX_REASON_CHARS};
use crate::read::Sink;
use crate::report::Facts as AnyFacts;
use crate::restic::text::{summary_of, text_line};
use crate::restic::{Facts, Other};

/// Status lines that a summary may overtake, in all releases that were seen; more of them belong to another run.
const MAX_OVERTAKEN: u64 = 2;

/// Reads one log's lines.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    run: Option<Facts>,
    pub(crate) is_one_run: bool,
    pub(crate) version: Option<String>,
    /// Lines that no other tool prints.
    pub(crate) marks: u64,
}

impl Reader {
    pub(crate) fn object(&mut self, object: &Map<String, Value>, sink: &mut Sink) {
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        let Some(kind) = text("message_type") else { return };
        self.marks += 1;
        match kind {
            "summary" if object.contains_key("num_errors") => {
                let errors = object.get("num_errors").and_then(Value::as_u64).unwrap_or(0);
                let run = self.next(sink, |run| run.other.is_some_and(|other| other != Other::CheckBegun));
                run.damage = run.damage.max(errors);
                run.other = Some(if errors == 0 { Other::CheckedWell } else { Other::CheckedBadly });
            }
            "summary" => {
                self.next(sink, |run| run.summary.is_some()).summary = Some(summary_of(object));
            }
            "status" | "verbose_status" => {
                let is_begun = kind == "status" && object.get("percent_done").and_then(Value::as_f64) == Some(0.0);
                let is_over = |run: &Facts| {
                    run.ended() && (is_begun || run.summary.is_none() || run.status_since >= MAX_OVERTAKEN)
                };
                let run = self.next(sink, is_over);
                run.status += 1;
                run.status_since += u64::from(run.summary.is_some());
            }
            "error" => {
                let error = object.get("error");
                let path = text("item").or_else(|| error.and_then(|error| error.get("Path")).and_then(Value::as_str));
                let words =
                    error.and_then(|error| error.get("message").or_else(|| error.get("Op"))).and_then(Value::as_str);
                let item = Item::new(path, None, words);
                self.next(sink, Facts::ended).items.push(item);
            }
            "exit_error" => {
                let run = self.run.get_or_insert_default();
                run.code = object.get("code").and_then(Value::as_i64);
                run.fatal =
                    text("message").map(|message| printable(message.trim_start_matches("Fatal: "), MAX_REASON_CHARS));
            }
            "version" => self.version = text("version").map(|version| printable(version, 24)),
            _ => {}
        }
    }

    pub(crate) fn text(&mut self, line: &str, sink: &mut Sink) {
        if line.starts_with('{') {
            // JSON that is damaged, or longer than is read: known by its first field.
            if line.starts_with("{\"message_type\":\"") {
                self.marks += 1;
                self.next(sink, |_| false).status += 1;
            }
            return;
        }
        if !line.bytes().next().is_some_and(|first| b"FpsPenuclrfIL[".contains(&first) || line.ends_with(" skipping")) {
            return;
        }
        let is_first = self.run.is_none();
        let is_new = line.starts_with("created restic repository ") || line.starts_with("using temporary cache in ");
        if is_new && !is_first {
            self.next(sink, Facts::ended);
        }
        let run = self.run.get_or_insert_default();
        if text_line(line, run) {
            self.marks += 1;
        } else if is_first {
            self.run = None;
        }
    }

    /// The run that a message belongs to: another one if the last is over.
    fn next(&mut self, sink: &mut Sink, is_over: impl Fn(&Facts) -> bool) -> &mut Facts {
        if !self.is_one_run && self.run.as_ref().is_some_and(is_over) {
            self.close(sink);
        }
        self.run.get_or_insert_default()
    }

    fn close(&mut self, sink: &mut Sink) {
        if let Some(run) = self.run.take() {
            sink.push(AnyFacts::Restic(Box::new(run)));
        }
    }

    pub(crate) fn finish(mut self, sink: &mut Sink) {
        self.close(sink);
    }
}
