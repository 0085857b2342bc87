//! Lines to facts.

use std::collections::HashSet;

use strongroom_model::text::printable;

use crate::items::{Item, MAX_ITEMS, MAX_REASON_CHARS};
use crate::read::Sink;
use crate::report::Facts as AnyFacts;
use crate::rsync::errors::{PathError, exit_line, hidden, item, path_error, vanished};
use crate::rsync::itemize::{Change, itemized};
use crate::rsync::{Facts, RootError};

/// Reads one log's lines.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    run: Option<Facts>,
    /// The line before, and whether it had a date: `--log-file` and standard output in one file double each line.
    before: (bool, String),
    /// Names with a dot before them that were transferred, at most [`MAX_HIDDEN`].
    hidden: HashSet<String>,
    pub(crate) is_one_run: bool,
    pub(crate) version: Option<String>,
    /// Lines that no other tool prints.
    pub(crate) marks: u64,
}

/// Of a home folder's settings; of more, an error may lack the dot of its file's name.
const MAX_HIDDEN: usize = 10_000;
/// Lines with which a run begins.
const BEGINNINGS: [&str; 4] =
    ["sending incremental file list", "building file list", "receiving incremental file list", "receiving file list"];
fn is_beginning(text: &str) -> bool {
    BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
}

/// What any line of interest begins with, or contains: most lines of a verbose log are names.
const FIRST_BYTES: &[u8] = b"<>ch.*@snbrftNTLMUDEI";

impl Reader {
    pub(crate) fn line(&mut self, line: &str, sink: &mut Sink) {
        let text = undated(line);
        if let Some(run) = self.run.as_mut().filter(|run| run.has_list && !run.ended() && run.stats.is_empty()) {
            run.names += u64::from(
                !text.trim().is_empty()
                    && !["sent ", "total size is "].iter().any(|total| text.starts_with(total))
                    && !is_beginning(text),
            );
        }
        if !text.bytes().next().is_some_and(|first| FIRST_BYTES.contains(&first)) {
            return;
        }
        let is_dated = text.len() != line.len();
        if (self.before.0 != is_dated && self.before.1 == text) || text.len() > 8 * 1024 {
            return;
        }
        if self.read(text, sink) {
            self.before = (is_dated, text.to_owned());
        }
    }

    /// Whether it was a line that is counted.
    fn read(&mut self, text: &str, sink: &mut Sink) -> bool {
        if is_beginning(text) {
            self.marks += 1;
            self.begin(sink);
            self.run.get_or_insert_default().has_list = true;
            return true;
        }
        if let Some(item) = itemized(text) {
            self.marks += 1;
            let name = item.path.rsplit('/').next().unwrap_or(item.path);
            if name.starts_with('.') && item.change == Change::Transfer && self.hidden.len() < MAX_HIDDEN {
                self.hidden.insert(item.path.to_owned());
            }
            let run = self.run(sink);
            run.names = run.names.saturating_sub(1);
            match item.change {
                Change::Transfer => run.itemized_files += 1,
                Change::Create | Change::Attributes => run.itemized_other += 1,
                Change::Delete => run.deletions += 1,
                Change::None => {}
            }
            return true;
        }
        self.figures(text, sink) || self.error(text, sink)
    }

    fn figures(&mut self, text: &str, sink: &mut Sink) -> bool {
        if text.starts_with("sent ") && text.contains(" bytes  received ") {
            self.marks += 1;
            let run = self.run.get_or_insert_default();
            // 2.6.9's log has the total on the same line.
            run.is_totalled |= text.contains(" bytes  total size ");
            return true;
        }
        if text.starts_with("total size is ") && text.contains("  speedup is ") {
            self.marks += 1;
            let run = self.run.get_or_insert_default();
            run.is_totalled = true;
            run.is_dry_run |= text.trim_end().ends_with("(DRY RUN)");
            return true;
        }
        let is_first = text.starts_with("Number of files:");
        if is_first && self.run.as_ref().is_some_and(|run| !run.stats.is_empty()) {
            self.begin(sink);
        }
        let is_read = self.run.get_or_insert_default().stats.line(text);
        if is_read {
            self.marks += u64::from(is_first);
        } else if self.run.as_ref().is_some_and(|run| run.is_blank()) {
            self.run = None;
        }
        is_read
    }

    fn error(&mut self, text: &str, sink: &mut Sink) -> bool {
        if let Some((code, version)) = exit_line(text) {
            self.marks += 1;
            self.version = version.map(|version| printable(version, 24)).or(self.version.take());
            let run = self.run.get_or_insert_default();
            run.code = Some(code);
            return true;
        }
        if let Some(item) = vanished(text) {
            self.marks += 1;
            let run = self.run_of_error(sink);
            run.vanished += 1;
            run.items.push(item);
            return true;
        }
        if let Some(error) = path_error(text) {
            self.marks += 1;
            // A run that has listed its source did not miss it: this is another one's.
            if error.is_of_source() && self.run.as_ref().is_some_and(|run| run.is_totalled && run.has_source()) {
                self.begin(sink);
            }
            self.run_of_error(sink).path_error(error);
            return true;
        }
        if let Some(rest) = text.strip_prefix("Deletions stopped due to --max-delete limit (") {
            self.marks += 1;
            self.run_of_error(sink).deletions_stopped = crate::number::leading(rest, crate::number::Base::Decimal);
            return true;
        }
        if let Some(path) = text.strip_prefix("ERROR: ").and_then(|rest| rest.split_once(" failed verification")) {
            self.marks += 1;
            self.run_of_error(sink).items.push(Item::new(
                Some(path.0),
                None,
                Some("it failed rsync's own check after the transfer"),
            ));
            return true;
        }
        if let Some((_, path)) = text.strip_prefix("could not make way for new ").and_then(|rest| rest.split_once(": "))
        {
            self.marks += 1;
            let item = item(path, None, "something else of that name stands in its place");
            let run = self.run_of_error(sink);
            run.blocked += 1;
            run.items.push(item);
            return true;
        }
        if let Some(message) = text.strip_prefix("rsync: ").or_else(|| text.strip_prefix("@ERROR: ")) {
            self.marks += 1;
            let run = self.run_of_error(sink);
            run.is_full |= message.contains("No space left");
            run.is_read_only |= message.contains("Read-only file system");
            run.message = Some(printable(message.trim(), MAX_REASON_CHARS));
            return true;
        }
        false
    }

    /// Standard error may follow standard output: only a code ends a run for an error.
    fn run_of_error(&mut self, sink: &mut Sink) -> &mut Facts {
        if self.run.as_ref().is_some_and(|run| run.code.is_some()) {
            self.begin(sink);
        }
        self.run.get_or_insert_default()
    }

    /// The run that a line belongs to: another one if the last is over.
    fn run(&mut self, sink: &mut Sink) -> &mut Facts {
        if !self.is_one_run && self.run.as_ref().is_some_and(Facts::ended) {
            self.begin(sink);
        }
        self.run.get_or_insert_default()
    }

    fn begin(&mut self, sink: &mut Sink) {
        if self.is_one_run {
            return;
        }
        self.close(sink);
        self.run = Some(Facts::default());
    }

    fn close(&mut self, sink: &mut Sink) {
        let hidden = std::mem::take(&mut self.hidden);
        if let Some(mut run) = self.run.take() {
            run.name_hidden(&hidden);
            sink.push(AnyFacts::Rsync(Box::new(run)));
        }
    }

    pub(crate) fn finish(mut self, sink: &mut Sink) {
        self.close(sink);
    }
}

impl PathError {
    fn is_of_source(&self) -> bool {
        self.is_by_sender && is_source_call(&self.call)
    }
}

/// What rsync calls on a source before it lists it.
fn is_source_call(call: &str) -> bool {
    matches!(call, "change_dir" | "change_dir#1" | "change_dir#2" | "change_dir#3" | "link_stat")
}

impl Facts {
    /// Something of the source was listed.
    fn has_source(&self) -> bool {
        self.root_error.is_none() && (self.itemized_files + self.itemized_other + self.stats.entries.unwrap_or(0)) > 0
    }

    /// Nothing was read into it yet.
    fn is_blank(&self) -> bool {
        let counted = self.itemized_files + self.itemized_other + self.deletions + self.items.total();
        counted == 0 && self.stats.is_empty() && !self.ended() && self.message.is_none()
    }

    /// Standard output, which has the names, may come after standard error, which has the errors.
    fn name_hidden(&mut self, names: &HashSet<String>) {
        for &at in &self.temporary {
            let Some(path) = self.items.kept_mut().get_mut(at).and_then(|item| item.path.as_mut()) else { continue };
            let dotted = hidden(path);
            // The log has names below the source, and errors have whole paths.
            let below = dotted.match_indices('/').map(|(at, _)| &dotted[at + 1..]);
            if std::iter::once(dotted.as_str()).chain(below).any(|tail| names.contains(tail)) {
                *path = dotted;
            }
        }
    }

    fn path_error(&mut self, error: PathError) {
        let PathError { call, item, is_by_sender, is_temporary } = error;
        if is_temporary {
            self.temporary.push(self.items.kept().len());
            self.temporary.truncate(MAX_ITEMS);
        }
        self.is_full |=
            item.code == Some(28) || item.reason.as_deref().is_some_and(|reason| reason.contains("No space left"));
        self.is_read_only |= item.code == Some(30);
        if is_by_sender && is_source_call(&call) {
            self.root_error = self.root_error.or(Some(RootError::Source));
            self.root_errors += 1;
        } else if call.starts_with("mkdir") || call.starts_with("change_dir") {
            self.root_error = self.root_error.or(Some(RootError::Target));
            self.root_errors += 1;
        }
        self.items.push(item);
    }
}

/// Without the date and the process id of `--log-file`: `2022/01/28 04:22:10 [9306] `.
fn undated(line: &str) -> &str {
    let bytes = line.as_bytes();
    if bytes.len() < 24 || !bytes[0].is_ascii_digit() || bytes[4] != b'/' || bytes[13] != b':' || bytes[20] != b'[' {
        return line;
    }
    line.get(21..).and_then(|rest| rest.split_once("] ")).map_or(line, |(_, text)| text)
}
