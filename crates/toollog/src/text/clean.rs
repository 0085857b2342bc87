//! Lines without what only steers a terminal.

use std::borrow::Cow;

/// The escape character.
const ESC: char = '\u{1b}';

/// Without escape sequences (ECMA-48, section 5.4) and byte order marks.
pub(crate) fn clean(line: &str) -> Cow<'_, str> {
    if !line.contains([ESC, '\u{feff}']) {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{feff}' => {}
            // A control sequence ends with its first byte from `@` to `~`; any other sequence has one more character.
            ESC => {
                if chars.next() == Some('[') {
                    chars.by_ref().find(|c| matches!(c, '@'..='~'));
                }
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}
