//! The first and the last bytes of a stream.

use std::collections::VecDeque;

/// The first and the last bytes of a stream, in whole lines. Holds little more than it keeps, however short these are.
#[derive(Debug)]
pub(super) struct Kept {
    most_each: usize,
    first: Vec<u8>,
    last: VecDeque<u8>,
    left_out_bytes: u64,
    is_first_full: bool,
}

impl Kept {
    /// Keeps so many bytes of the start, and as many of the end.
    pub(super) fn new(most_each: usize) -> Self {
        Self { most_each, first: Vec::new(), last: VecDeque::new(), left_out_bytes: 0, is_first_full: false }
    }

    /// Takes a line; its line feed is added.
    pub(super) fn push(&mut self, line: &str) {
        if !self.is_first_full && self.first.len() + line.len() < self.most_each {
            self.first.extend_from_slice(line.as_bytes());
            self.first.push(b'\n');
            return;
        }
        self.is_first_full = true;
        self.last.extend(line.as_bytes());
        self.last.push_back(b'\n');
        let excess = self.last.len().saturating_sub(self.most_each);
        if excess > 0 {
            // To the end of the line that is cut into.
            let rest = self.last.iter().skip(excess - 1).position(|byte| *byte == b'\n').unwrap_or_default();
            self.last.drain(..excess + rest);
            self.left_out_bytes += (excess + rest) as u64;
        }
    }

    /// Whether something was left out.
    pub(super) const fn is_truncated(&self) -> bool {
        self.left_out_bytes > 0
    }

    /// What was kept: the start, then the end in two parts.
    pub(super) fn parts(&self) -> [&[u8]; 3] {
        let (a, b) = self.last.as_slices();
        [&self.first, a, b]
    }

    /// How much was left out between the first part and the second.
    pub(super) const fn left_out_bytes(&self) -> u64 {
        self.left_out_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(lines: usize) -> (String, u64) {
        let mut kept = Kept::new(20);
        (0..lines).for_each(|line| kept.push(&format!("line {line:03}")));
        (String::from_utf8(kept.parts().concat()).unwrap(), kept.left_out_bytes())
    }

    #[test]
    fn the_first_and_the_last_lines_are_kept() {
        assert_eq!(kept(2), ("line 000\nline 001\n".to_owned(), 0));
        assert_eq!(kept(4), ("line 000\nline 001\nline 002\nline 003\n".to_owned(), 0));
        assert_eq!(kept(100), ("line 000\nline 001\nline 098\nline 099\n".to_owned(), 96 * 9));
    }
}
