//! What a plugin printed, taken apart.

use std::collections::VecDeque;

use strongroom_model::text::printable;

use super::{Piece, Stream};
use crate::host::kept::Kept;
use crate::host::lines::{BoundedLine, LineSplitter};
use crate::host::reading::{Reading, read};
use crate::host::redact::Redactor;
use crate::host::seen::Seen;
use crate::protocol::{MAX_LINE_BYTES, Progress};

/// The last lines of standard error, which say why a plugin crashed.
const LAST_LINES: usize = 20;
/// Of each of these.
const MAX_LAST_CHARS: usize = 500;
/// Of the first output, where UTF-16 shows.
const UTF16_BYTES: usize = 64;

/// What a plugin printed: its messages, the text to be kept, the last lines of standard error.
#[derive(Debug)]
pub(super) struct Captured<'a> {
    redactor: &'a Redactor,
    pub(super) seen: Seen,
    pub(super) stdout: Kept,
    pub(super) stderr: Kept,
    pub(super) last_lines: VecDeque<String>,
    pub(super) looks_like_utf16: bool,
    stdout_lines: LineSplitter,
    stderr_lines: LineSplitter,
    stdout_bytes: u64,
    stderr_bytes: u64,
    messages: u64,
}

impl<'a> Captured<'a> {
    pub(super) fn new(redactor: &'a Redactor, kept_bytes: usize) -> Self {
        Self {
            redactor,
            seen: Seen::default(),
            stdout: Kept::new(kept_bytes),
            stderr: Kept::new(kept_bytes),
            last_lines: VecDeque::new(),
            looks_like_utf16: false,
            stdout_lines: LineSplitter::default(),
            stderr_lines: LineSplitter::default(),
            stdout_bytes: 0,
            stderr_bytes: 0,
            messages: 0,
        }
    }

    /// Takes a piece; the progress in it. Standard output beyond the bound is only counted.
    pub(super) fn take(&mut self, piece: &Piece, stdout_bound: u64) -> Vec<Progress> {
        let mut lines = Vec::new();
        match piece.stream {
            Stream::Stdout => {
                if self.stdout_bytes == 0 {
                    let start = &piece.bytes[..piece.bytes.len().min(UTF16_BYTES)];
                    self.looks_like_utf16 = start.starts_with(&[0xff, 0xfe]) || start.contains(&0);
                }
                self.stdout_bytes += piece.bytes.len() as u64;
                if self.stdout_bytes > stdout_bound {
                    return Vec::new();
                }
                self.stdout_lines.push(&piece.bytes, &mut |line| lines.push(line));
                lines.into_iter().filter_map(|line| self.message(line)).collect()
            }
            Stream::Stderr => {
                self.stderr_bytes += piece.bytes.len() as u64;
                // Progress bars end their lines so.
                let bytes: Vec<_> = piece.bytes.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect();
                self.stderr_lines.push(&bytes, &mut |line| lines.push(line));
                lines.into_iter().for_each(|line| self.text(line));
                Vec::new()
            }
        }
    }

    /// The last lines, which no line feed ended.
    pub(super) fn end(&mut self) {
        if let Some(line) = self.stdout_lines.end() {
            self.message(line);
        }
        if let Some(line) = self.stderr_lines.end() {
            self.text(line);
        }
    }

    fn message(&mut self, line: BoundedLine) -> Option<Progress> {
        self.seen.cut_lines += u64::from(line.is_cut);
        let (reading, kept) = read(line, self.redactor);
        let mark = match reading {
            Reading::Empty => return None,
            Reading::Stray => "| ",
            _ => {
                self.messages += 1;
                ""
            }
        };
        self.stdout.push(&format!("{mark}{}", printable(&kept, MAX_LINE_BYTES)));
        self.seen.take(reading)
    }

    fn text(&mut self, mut line: BoundedLine) {
        if line.bytes.is_empty() {
            return;
        }
        if line.is_cut {
            self.redactor.cut(&mut line.bytes);
        }
        let redacted = self.redactor.bytes(&line.bytes);
        let text = printable(&String::from_utf8_lossy(&redacted), MAX_LINE_BYTES);
        self.last_lines.push_back(printable(&text, MAX_LAST_CHARS));
        if self.last_lines.len() > LAST_LINES {
            self.last_lines.pop_front();
        }
        self.stderr.push(&text);
    }

    /// How many messages came, of known types or not.
    pub(super) const fn messages(&self) -> u64 {
        self.messages
    }

    /// Whether the plugin has said its last.
    pub(super) const fn has_ended(&self) -> bool {
        self.seen.results > 0 || self.seen.unsupported.is_some()
    }

    pub(super) const fn stdout_bytes(&self) -> u64 {
        self.stdout_bytes
    }

    pub(super) const fn stderr_bytes(&self) -> u64 {
        self.stderr_bytes
    }
}
