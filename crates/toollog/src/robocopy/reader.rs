//! Lines to facts.

use strongroom_model::text::printable;

use crate::items::MAX_REASON_CHARS;
use crate::read::Sink;
use crate::report::Facts as AnyFacts;
use crate::robocopy::Facts;
use crate::robocopy::errors::{Errors, numbered};
use crate::robocopy::header::{header_line, is_title, is_usage, unnumbered};
use crate::robocopy::summary::Rows;

/// Reads one log's lines.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    run: Option<Facts>,
    errors: Errors,
    rows: Rows,
    is_header_read: bool,
    /// Lines that no other tool prints.
    pub(crate) marks: u64,
}

impl Reader {
    pub(crate) fn line(&mut self, line: &str, sink: &mut Sink) {
        if line.starts_with('\t') {
            self.listed(line, sink);
            return;
        }
        let text = line.trim();
        if text.is_empty() {
            return;
        }
        if is_title(line) {
            self.close(sink);
            self.marks += 1;
            self.run = Some(Facts::default());
            return;
        }
        if is_usage(line) {
            self.marks += 1;
            self.run(sink).is_usage = true;
            return;
        }
        if let Some(error) = numbered(line) {
            self.marks += 1;
            self.run(sink);
            let run = self.run.get_or_insert_default();
            let item = self.errors.error(&error, &mut run.items);
            run.first_error.get_or_insert(item);
            return;
        }
        if let Some(summary) = self.rows.line(line) {
            self.marks += 1;
            let run = self.run(sink);
            run.summary = Some(summary);
            let run = self.run.get_or_insert_default();
            self.errors.settle(&mut run.items);
            return;
        }
        if is_speed(line) {
            self.marks += 1;
            self.run.get_or_insert_default();
            return;
        }
        self.other(line, text);
    }

    /// Tab, class, two tabs, size, tab, path; a folder's line has no class.
    fn listed(&mut self, line: &str, sink: &mut Sink) {
        let Some(name) = line.rsplit('\t').next().map(str::trim_end).filter(|name| !name.trim().is_empty()) else {
            return;
        };
        if self.run.is_none() || line.bytes().filter(|&byte| byte == b'\t').count() < 2 {
            return;
        }
        let run = self.run(sink);
        run.listed += 1;
        if self.errors.is_open() {
            let run = self.run.get_or_insert_default();
            self.errors.listed(name, &mut run.items);
        }
    }

    /// What may be a header's field, a reason, or an error without a number.
    fn other(&mut self, line: &str, text: &str) {
        let Some(run) = &mut self.run else { return };
        if let Some(message) = unnumbered(line, self.errors.is_open()) {
            if self.errors.is_open() {
                self.errors.given_up(&mut run.items);
            } else {
                run.message.get_or_insert_with(|| printable(message, MAX_REASON_CHARS));
            }
            return;
        }
        if self.errors.awaits_reason() {
            if let Some(item) = self.errors.reason(text)
                && let Some(first) = run.first_error.as_mut().filter(|first| first.path == item.path)
            {
                first.reason = item.reason;
            }
            return;
        }
        // A percentage without its line end stands before the class of a file (`/MT`).
        if let Some((before, _)) = line.split_once('\t').filter(|(before, _)| is_percentage(before)) {
            run.listed += 1;
            let name = line[before.len()..].rsplit('\t').next().unwrap_or_default().trim_end();
            self.errors.listed(name, &mut run.items);
            return;
        }
        if !self.is_header_read && run.summary.is_none() && run.listed == 0 {
            self.is_header_read = header_line(line, run);
        }
    }

    /// The run that a line belongs to: another one if the last has its summary already.
    fn run(&mut self, sink: &mut Sink) -> &mut Facts {
        if self.run.as_ref().is_some_and(|run| run.summary.is_some()) {
            self.close(sink);
        }
        self.run.get_or_insert_default()
    }

    fn close(&mut self, sink: &mut Sink) {
        self.is_header_read = false;
        if let Some(mut run) = self.run.take() {
            self.errors.settle(&mut run.items);
            sink.push(AnyFacts::Robocopy(Box::new(run)));
        }
        self.errors = Errors::default();
        self.rows = Rows::default();
    }

    pub(crate) fn finish(mut self, sink: &mut Sink) {
        self.close(sink);
    }
}

fn is_percentage(text: &str) -> bool {
    let text = text.trim();
    text.ends_with('%') && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '%' | ' '))
}

/// `Speed : 5,932,258 Bytes/sec.` in any language: a number with its country's separators, and a unit with a slash.
/// Read only to recognise a log: the figure itself is not used.
fn is_speed(line: &str) -> bool {
    let Some((label, value)) = line.trim().split_once(':') else { return false };
    let Some((figure, unit)) = value.trim().rsplit_once(' ') else { return false };
    let is_word = |word: &str| word.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '.' | '-'));
    let is_unit = unit.split_once('/').is_some_and(|(of, per)| of.len() > 1 && is_word(of) && is_word(per));
    let is_figure = figure.starts_with(|c: char| c.is_ascii_digit())
        && figure.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | ',' | '.' | '\u{a0}' | '\u{202f}'));
    is_word(label) && is_unit && is_figure
}
