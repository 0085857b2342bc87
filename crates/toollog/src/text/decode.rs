//! Bytes to UTF-8, block by block.

/// The encoding is looked at again for each block: logs are appended to in another one than they began with.
const BLOCK_BYTES: usize = 8 * 1024;
/// A shorter block says too little: it has its predecessor's encoding.
const MIN_TELLING_BYTES: usize = 64;

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
                self.decode(each);
            }
        }
    }

    pub(crate) fn finish(&mut self, each: &mut impl FnMut(&[u8])) {
        self.decode(each);
        if self.high.is_some() || !self.tail.is_empty() {
            each("\u{fffd}".as_bytes());
        }
    }

    fn decode(&mut self, each: &mut impl FnMut(&[u8])) {
        let block = std::mem::take(&mut self.block);
        self.encoding = guess(&block, self.encoding, self.has_begun);
        self.has_begun = true;
        match self.encoding {
            Encoding::Bytes if self.tail.is_empty() && !block.contains(&0) && std::str::from_utf8(&block).is_ok() => {
                each(&block);
            }
            Encoding::Bytes => self.bytes(&block, each),
            Encoding::Utf16Le => self.utf16(&block, u16::from_le_bytes, each),
            Encoding::Utf16Be => self.utf16(&block, u16::from_be_bytes, each),
        }
        self.block = block;
        self.block.clear();
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

/// In UTF-16, line ends, blanks, digits and most letters of a log have a zero byte, always in the same half. In any
/// other encoding of text there is none.
fn guess(block: &[u8], before: Encoding, has_begun: bool) -> Encoding {
    match block {
        [0xff, 0xfe, ..] if !has_begun => return Encoding::Utf16Le,
        [0xfe, 0xff, ..] if !has_begun => return Encoding::Utf16Be,
        _ => {}
    }
    if has_begun && block.len() < MIN_TELLING_BYTES {
        return before;
    }
    let pairs = block.chunks_exact(2);
    let units = pairs.len();
    let (low, high) =
        pairs.fold((0, 0), |(even, odd), pair| (even + usize::from(pair[0] == 0), odd + usize::from(pair[1] == 0)));
    let most = low.max(high);
    if most == 0 {
        return Encoding::Bytes;
    }
    // Text that is neither Latin nor has many blanks keeps the encoding that it has.
    if most * 8 < units && (before == Encoding::Bytes || low == high) {
        return Encoding::Bytes;
    }
    if high > low { Encoding::Utf16Le } else { Encoding::Utf16Be }
}
