//! Bytes to UTF-8, block by block.

/// How much is decoded at once.
const BLOCK_BYTES: usize = 8 * 1024;
/// So many bytes after a place tell whether another encoding begins there. A block's last ones wait for the next block.
const LOOKAHEAD_BYTES: usize = 256;
/// Text of UTF-16 is not valid UTF-8 without a zero byte for so long, except on purpose.
const TELLING_BYTES: usize = 64;
/// After a line end, a shorter run tells as well if it is whole lines of UTF-8.
const MIN_RUN_BYTES: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Encoding {
    /// UTF-8 or an eight-bit code page.
    #[default]
    Bytes,
    Utf16Le,
    Utf16Be,
}

/// Decodes a stream. What it hands on is UTF-8, and may end within a character only if the input does.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    block: Vec<u8>,
    encoding: Encoding,
    has_begun: bool,
    /// The last unit of UTF-16 ended a line.
    is_line_start: bool,
    /// A high surrogate that waits for its low one.
    high: Option<u16>,
    /// The beginning of a UTF-8 sequence that the next block continues.
    tail: Vec<u8>,
    out: Vec<u8>,
}

impl Decoder {
    pub(crate) fn push(&mut self, mut bytes: &[u8], each: &mut impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            let taken = bytes.len().min(BLOCK_BYTES - self.block.len());
            self.block.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if self.block.len() == BLOCK_BYTES {
                self.decode(false, each);
            }
        }
    }

    pub(crate) fn finish(&mut self, each: &mut impl FnMut(&[u8])) {
        self.decode(true, each);
        if self.high.is_some() || !self.tail.is_empty() {
            each("\u{fffd}".as_bytes());
        }
    }

    /// Logs are appended to by programs that disagree: each part of a block is decoded by its own encoding.
    fn decode(&mut self, is_last: bool, each: &mut impl FnMut(&[u8])) {
        let mut block = std::mem::take(&mut self.block);
        if !self.has_begun {
            self.encoding = first_encoding(&block);
            (self.has_begun, self.is_line_start) = (true, true);
        }
        let limit = if is_last { block.len() } else { block.len().saturating_sub(LOOKAHEAD_BYTES) };
        let mut at = 0;
        loop {
            let (end, next) = match self.encoding {
                Encoding::Bytes => utf16_begins(&block, at, limit).unwrap_or((limit, Encoding::Bytes)),
                encoding => match bytes_begin(&block, at, limit, encoding, self.is_line_start, is_last) {
                    Some(end) => (end, Encoding::Bytes),
                    None => (at + (limit - at) / 2 * 2, encoding),
                },
            };
            self.part(&block[at..end], each);
            at = end;
            if next == self.encoding {
                break;
            }
            self.changes(next, each);
        }
        block.drain(..if is_last { block.len() } else { at });
        self.block = block;
    }

    fn part(&mut self, part: &[u8], each: &mut impl FnMut(&[u8])) {
        match self.encoding {
            _ if part.is_empty() => {}
            Encoding::Bytes if self.tail.is_empty() && !part.contains(&0) && std::str::from_utf8(part).is_ok() => {
                each(part);
            }
            Encoding::Bytes => self.bytes(part, each),
            Encoding::Utf16Le => self.utf16(part, u16::from_le_bytes, each),
            Encoding::Utf16Be => self.utf16(part, u16::from_be_bytes, each),
        }
    }

    /// A character that was begun in the old encoding has no end.
    fn changes(&mut self, next: Encoding, each: &mut impl FnMut(&[u8])) {
        if self.high.take().is_some() || !std::mem::take(&mut self.tail).is_empty() {
            each("\u{fffd}".as_bytes());
        }
        self.encoding = next;
        self.is_line_start = false;
    }

    /// Zero bytes are left out: they come from a few lines of UTF-16 within the block.
    fn bytes(&mut self, block: &[u8], each: &mut impl FnMut(&[u8])) {
        let mut input = std::mem::take(&mut self.tail);
        input.extend(block.iter().filter(|&&byte| byte != 0));
        self.out.clear();
        let mut rest = &input[..];
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.out.extend_from_slice(text.as_bytes());
                    break;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    self.out.extend_from_slice(valid);
                    let Some(bad) = error.error_len() else {
                        self.tail = after.to_vec();
                        break;
                    };
                    self.out.extend_from_slice("\u{fffd}".as_bytes());
                    rest = &after[bad..];
                }
            }
        }
        each(&self.out);
    }

    fn utf16(&mut self, block: &[u8], unit: fn([u8; 2]) -> u16, each: &mut impl FnMut(&[u8])) {
        self.out.clear();
        for pair in block.chunks_exact(2) {
            let unit = unit([pair[0], pair[1]]);
            // Most of any log, and the reason why this is fast.
            if unit < 0x80 && self.high.is_none() {
                self.out.push(unit as u8);
                continue;
            }
            self.unit(unit);
        }
        self.is_line_start = self.out.last().is_some_and(|&last| matches!(last, b'\n' | b'\r'));
        each(&self.out);
    }

    fn unit(&mut self, unit: u16) {
        let mut push = |c: char| self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        if let Some(high) = self.high.take() {
            if let Some(Ok(c)) = char::decode_utf16([high, unit]).next() {
                push(c);
                return;
            }
            push('\u{fffd}');
        }
        match unit {
            0xd800..=0xdbff => self.high = Some(unit),
            unit => push(char::from_u32(u32::from(unit)).unwrap_or('\u{fffd}')),
        }
    }
}

/// By a byte order mark, or as [`utf16_half`] tells.
fn first_encoding(block: &[u8]) -> Encoding {
    match block {
        [0xff, 0xfe, ..] => Encoding::Utf16Le,
        [0xfe, 0xff, ..] => Encoding::Utf16Be,
        _ => utf16_half(block),
    }
}

/// In UTF-16, line ends, blanks, digits and most letters of a log have a zero byte, always in the same half. In any
/// other encoding of text there is none.
fn utf16_half(part: &[u8]) -> Encoding {
    let pairs = part.chunks_exact(2);
    let units = pairs.len();
    let (even, odd) =
        pairs.fold((0, 0), |(even, odd), pair| (even + usize::from(pair[0] == 0), odd + usize::from(pair[1] == 0)));
    if even == odd || even.max(odd) * 8 < units {
        return Encoding::Bytes;
    }
    if odd > even { Encoding::Utf16Le } else { Encoding::Utf16Be }
}

/// Where UTF-16 begins within bytes, and in which order.
fn utf16_begins(block: &[u8], from: usize, limit: usize) -> Option<(usize, Encoding)> {
    let mut searched = from;
    loop {
        let zero = searched + block[searched..].iter().position(|&byte| byte == 0)?;
        let before = block[from..zero].last();
        // The zero belongs to the byte before it, or to the one after it if that one ended a line.
        let is_high = before.is_none_or(|&byte| matches!(byte, b'\n' | b'\r' | 0xff));
        let start = if is_high { zero } else { zero - 1 };
        if start >= limit {
            return None;
        }
        let window = &block[start..block.len().min(start + LOOKAHEAD_BYTES)];
        let encoding = utf16_half(window);
        if encoding != Encoding::Bytes {
            let has_mark = block[from..start].ends_with(&[0xff, 0xfe]) || block[from..start].ends_with(&[0xfe, 0xff]);
            return Some((if has_mark { start - 2 } else { start }, encoding));
        }
        // Runs of zeros are holes in a file.
        searched = zero + block[zero..].iter().position(|&byte| byte != 0)?;
    }
}

/// Where bytes begin within UTF-16: at a unit from which on there is no zero byte, and text.
fn bytes_begin(
    block: &[u8],
    from: usize,
    limit: usize,
    encoding: Encoding,
    mut is_line_start: bool,
    is_last: bool,
) -> Option<usize> {
    let line_ends = match encoding {
        Encoding::Utf16Be => [[0, b'\n'], [0, b'\r']],
        _ => [[b'\n', 0], [b'\r', 0]],
    };
    let mut zero = from;
    for at in (from..limit.saturating_sub(1)).step_by(2) {
        if zero < at || zero == from {
            zero = at + block[at..].iter().position(|&byte| byte == 0).unwrap_or(block.len() - at);
        }
        let run = &block[at..zero];
        if run.len() >= TELLING_BYTES && is_text(&run[..TELLING_BYTES]) {
            return Some(at);
        }
        // No unit of a log's text has the high byte 0x0a: such an end tells after half a line, too.
        let is_open = is_line_start && is_last && zero == block.len();
        if is_lines(run, is_open) {
            return Some(at);
        }
        is_line_start = line_ends.iter().any(|end| block[at..].starts_with(end));
    }
    None
}

/// UTF-8, which may be cut at its end, or an eight-bit code page.
fn is_text(run: &[u8]) -> bool {
    let is_utf8 = std::str::from_utf8(run).map_or_else(|error| error.error_len().is_none(), |_| true);
    is_utf8 || run.iter().filter(|&&byte| is_ascii_text(byte)).count() * 8 >= run.len() * 7
}

/// Whole lines of UTF-8. Where UTF-16 goes on after them, the last byte before a zero, or a byte order mark and that
/// byte, are part of it.
fn is_lines(run: &[u8], is_at_end: bool) -> bool {
    let lines = if is_at_end {
        run
    } else {
        let end = run.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        if !matches!(&run[end..], [] | [_] | [0xff, 0xfe, _] | [0xfe, 0xff]) {
            return false;
        }
        &run[..end]
    };
    let is_plain = lines.iter().all(|&byte| is_ascii_text(byte) || !byte.is_ascii());
    lines.len() >= MIN_RUN_BYTES && is_plain && std::str::from_utf8(lines).is_ok()
}

const fn is_ascii_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | 0x1b | 0x20..=0x7e)
}
