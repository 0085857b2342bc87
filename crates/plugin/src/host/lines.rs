//! Splits a stream into bounded lines.

use crate::protocol::MAX_LINE_BYTES;

/// A line without its line feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BoundedLine {
    pub(super) bytes: Vec<u8>,
    /// It was longer than [`MAX_LINE_BYTES`]; the rest is gone.
    pub(super) is_cut: bool,
}

/// Splits a stream into lines. Holds at most one of them, and of it at most [`MAX_LINE_BYTES`].
#[derive(Debug, Default)]
pub(super) struct LineSplitter {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl LineSplitter {
    /// Takes the next bytes, and hands out the lines that they end.
    pub(super) fn push(&mut self, mut chunk: &[u8], each: &mut impl FnMut(BoundedLine)) {
        while let Some(end) = chunk.iter().position(|byte| *byte == b'\n') {
            self.keep(&chunk[..end]);
            each(self.take());
            chunk = &chunk[end + 1..];
        }
        self.keep(chunk);
    }

    /// The last line, if it has no line feed.
    pub(super) fn end(&mut self) -> Option<BoundedLine> {
        (!self.bytes.is_empty()).then(|| self.take())
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_LINE_BYTES - self.bytes.len();
        self.is_cut |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn take(&mut self) -> BoundedLine {
        BoundedLine { bytes: std::mem::take(&mut self.bytes), is_cut: std::mem::take(&mut self.is_cut) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<BoundedLine> {
        let (mut lines, mut out) = (LineSplitter::default(), Vec::new());
        chunks.iter().for_each(|chunk| lines.push(chunk, &mut |line| out.push(line)));
        out.extend(lines.end());
        out
    }

    #[test]
    fn lines_are_the_same_however_the_stream_is_cut() {
        let text = b"one\n\ntwo\r\nthree";
        let whole = split(&[text]);
        assert_eq!(
            whole.iter().map(|line| line.bytes.as_slice()).collect::<Vec<_>>(),
            [&b"one"[..], b"", b"two\r", b"three"]
        );
        for at in 0..text.len() {
            assert_eq!(split(&[&text[..at], &text[at..]]), whole);
        }
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_is_whole() {
        let long = vec![b'x'; MAX_LINE_BYTES + 1];
        let lines = split(&[&long, &long, b"\nnext\n", &long[1..], b"\n"]);
        assert_eq!(
            lines.iter().map(|line| (line.bytes.len(), line.is_cut)).collect::<Vec<_>>(),
            [(MAX_LINE_BYTES, true), (4, false), (MAX_LINE_BYTES, false)]
        );
    }
}
