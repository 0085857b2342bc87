//! A list's lines, each split into fields by itself, so that no stray quotation mark or line end affects another
//! line.

use std::io::{self, BufRead};

use csv::{ByteRecord, ReaderBuilder};

/// In bytes: a path and a name of 4 KiB each, doubled by quotes, and the rest.
const MAX_LINE_BYTES: usize = 64 << 10;

/// Lines end with a line feed, a carriage return, or both.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: R,
    number: u64,
    /// A line feed after a carriage return belongs to the same line end.
    after_return: bool,
}

/// Counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PhysicalLine {
    pub(crate) number: u64,
    /// Cut at [`MAX_LINE_BYTES`].
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_cut: bool,
}

impl<R: BufRead> Lines<R> {
    pub(crate) const fn new(reader: R) -> Self {
        Self { reader, number: 0, after_return: false }
    }

    /// The next line; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<PhysicalLine>> {
        let mut line = PhysicalLine { number: self.number + 1, bytes: Vec::new(), is_cut: false };
        let mut is_any = false;
        loop {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            if std::mem::take(&mut self.after_return) && chunk[0] == b'\n' {
                self.reader.consume(1);
                continue;
            }
            is_any = true;
            let end = chunk.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let text = &chunk[..end.unwrap_or(chunk.len())];
            let room = MAX_LINE_BYTES - line.bytes.len();
            line.is_cut |= text.len() > room;
            line.bytes.extend_from_slice(&text[..text.len().min(room)]);
            let taken = text.len() + usize::from(end.is_some());
            self.after_return = end.is_some_and(|end| chunk[end] == b'\r');
            self.reader.consume(taken);
            if end.is_some() {
                break;
            }
        }
        self.number += u64::from(is_any);
        Ok(is_any.then_some(line))
    }
}

impl PhysicalLine {
    /// Nothing but blanks and empty fields, as spreadsheets write below their last row.
    pub(crate) fn is_blank(&self, delimiter: u8) -> bool {
        !self.is_cut && self.bytes.iter().all(|byte| *byte == delimiter || byte.is_ascii_whitespace())
    }

    /// By RFC 4180, except that a field ends where its line does.
    pub(crate) fn fields(&self, delimiter: u8) -> Result<ByteRecord, String> {
        if self.is_cut {
            return Err(format!("it is longer than {MAX_LINE_BYTES} bytes"));
        }
        check_quotes(&self.bytes, delimiter)?;
        let mut record = ByteRecord::new();
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(self.bytes.len() + 1)
            .from_reader(&self.bytes[..]);
        reader.read_byte_record(&mut record).map_err(|error| format!("it cannot be read: {error}"))?;
        Ok(record)
    }
}

/// A quoted field ends with its quote, on its line. A quote within an unquoted field is part of it.
fn check_quotes(line: &[u8], delimiter: u8) -> Result<(), String> {
    let mut rest = line;
    loop {
        if rest.first() == Some(&b'"') {
            rest = after_quoted(&rest[1..]).ok_or(
                "a quotation mark is opened and not closed on the same line: close it, or write \"\" for one that \
                 belongs to the text",
            )?;
            if rest.first().is_some_and(|next| *next != delimiter) {
                return Err(
                    "something follows a closing quotation mark: write \"\" for one that belongs to the text".into()
                );
            }
        }
        match rest.iter().position(|byte| *byte == delimiter) {
            Some(end) => rest = &rest[end + 1..],
            None => return Ok(()),
        }
    }
}

/// What follows the closing quote. A doubled quote belongs to the text.
fn after_quoted(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        let quote = text.iter().position(|byte| *byte == b'"')?;
        text = &text[quote + 1..];
        match text.strip_prefix(b"\"") {
            Some(rest) => text = rest,
            None => return Some(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(text: &[u8]) -> Vec<PhysicalLine> {
        // A small buffer, so that ends lie between two of its fillings.
        let mut lines = Lines::new(io::BufReader::with_capacity(3, text));
        std::iter::from_fn(|| lines.next().unwrap()).collect()
    }

    #[test]
    fn a_line_ends_in_each_of_the_usual_ways() {
        for text in [&b"a\nbcd\n\ne"[..], b"a\r\nbcd\r\n\r\ne\r\n", b"a\rbcd\r\re\r", b"a\rbcd\r\n\ne"] {
            let read: Vec<_> = lines(text).into_iter().map(|line| (line.number, line.bytes)).collect();
            let expected: [(u64, &[u8]); 4] = [(1, b"a"), (2, b"bcd"), (3, b""), (4, b"e")];
            assert_eq!(read, expected.map(|(number, bytes)| (number, bytes.to_vec())), "{text:?}");
        }
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn a_quotation_mark_takes_no_other_line() {
        let fields = |text: &[u8]| lines(text)[0].fields(b';').map(|record| record.len());
        assert_eq!(fields(b"\"a;b\";\"\";c\"d;\"e\"\"f\""), Ok(4));
        for (text, why) in
            [(&b"a;\"b"[..], "not closed"), (b"\"a\"b;c", "follows a closing"), (b"\"\"\"", "not closed")]
        {
            assert!(fields(text).unwrap_err().contains(why), "{text:?}");
        }
        let long = [vec![b'x'; MAX_LINE_BYTES + 1], b"\nB-2".to_vec()].concat();
        let read = lines(&long);
        assert!(read[0].fields(b',').unwrap_err().contains("longer than") && read[1].bytes == b"B-2");
    }

    proptest! {
        /// Whatever the quoting and the line ends: every line stands by itself, with its number.
        #[test]
        fn no_bytes_hide_a_line(bytes in proptest::collection::vec(proptest::sample::select(b"\"\",;\n\r\ta\xe4\x00 ".to_vec()), 0..120)) {
            let read = lines(&bytes);
            let text: Vec<u8> = bytes.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
            let kept: Vec<u8> = read.iter().flat_map(|line| line.bytes.clone()).collect();
            prop_assert_eq!(text, kept);
            for (count, line) in read.iter().enumerate() {
                prop_assert_eq!(line.number, count as u64 + 1);
                let _ = line.fields(b',');
            }
        }
    }
}
