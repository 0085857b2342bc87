//! Bytes to lines, in whatever encoding a tool or a console wrote them.

mod clean;
mod decode;

use self::clean::clean;
use self::decode::Decoder;

/// How much of a line is read; the rest of it is ignored and counted. Longer than any path that a system allows, and
/// the plugin protocol's own bound.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// Splits a stream of bytes into lines.
///
/// UTF-8, UTF-16 (either order, with or without a byte order mark) and eight-bit code pages are told apart by
/// their zero bytes, also in the middle of a log, as logs are appended to by programs that disagree. LF, CR LF, CR CR LF
/// and a bare CR end a line. Escape sequences of terminals are removed. What cannot be decoded is U+FFFD.
#[derive(Debug, Default)]
pub struct Lines {
    decoder: Decoder,
    /// A line's beginning from earlier bytes.
    begun: Vec<u8>,
    is_cut: bool,
    cut: u64,
}

impl Lines {
    /// Hands each line that is complete to `each`, without its end.
    pub fn push(&mut self, bytes: &[u8], each: &mut impl FnMut(&str)) {
        let Self { decoder, begun, is_cut, cut } = self;
        decoder.push(bytes, &mut |text| split(text, begun, is_cut, cut, each));
    }

    /// Hands what is left to `each`. Returns how many lines were cut.
    pub fn finish(mut self, each: &mut impl FnMut(&str)) -> u64 {
        let Self { decoder, begun, is_cut, cut } = &mut self;
        decoder.finish(&mut |text| split(text, begun, is_cut, cut, each));
        if !self.begun.is_empty() {
            hand(&self.begun, each);
        }
        self.cut + u64::from(self.is_cut)
    }
}

/// `text` is UTF-8, or the middle of it.
fn split(text: &[u8], begun: &mut Vec<u8>, is_cut: &mut bool, cut: &mut u64, each: &mut impl FnMut(&str)) {
    let mut rest = text;
    while let Some(end) = rest.iter().position(|&byte| byte == b'\n' || byte == b'\r') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        if begun.is_empty() && line.len() <= MAX_LINE_BYTES {
            hand(line, each);
            continue;
        }
        begin(line, begun, is_cut);
        hand(begun, each);
        begun.clear();
        *cut += u64::from(std::mem::take(is_cut));
    }
    begin(rest, begun, is_cut);
}

fn begin(part: &[u8], begun: &mut Vec<u8>, is_cut: &mut bool) {
    let room = MAX_LINE_BYTES - begun.len();
    *is_cut |= part.len() > room;
    begun.extend_from_slice(&part[..part.len().min(room)]);
}

fn hand(line: &[u8], each: &mut impl FnMut(&str)) {
    if !line.is_empty() {
        each(&clean(&String::from_utf8_lossy(line)));
    }
}

#[cfg(test)]
mod tests;
