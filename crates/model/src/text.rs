//! Text from outside, made safe to print.

/// Unicode's bidirectional controls and invisible separators: they can make a name
/// read as another one.
fn misleads(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `text` on one line: control and direction characters escaped (`\n`, `\u{202e}`),
/// and no more than `most` characters, with `…` where something was left out.
#[must_use]
pub fn printable(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    for (count, c) in text.chars().enumerate() {
        if count == most {
            out.push('…');
            break;
        }
        if c.is_control() || misleads(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_direction_characters_are_shown_not_obeyed() {
        assert_eq!(printable("a\r\nBcc: x\u{202e}fdp", 40), r"a\r\nBcc: x\u{202e}fdp");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(printable("abcdef", 3), "abc…");
        assert_eq!(printable("abc", 3), "abc");
    }
}
