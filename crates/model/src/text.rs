//! Text from outside, made safe to print.

/// Whether a character is not seen but changes how a text reads: Unicode's bidirectional controls, line separators and
/// `Default_Ignorable_Code_Point` (UAX #44), fillers that show as nothing, and noncharacters.
#[must_use]
pub const fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fdd0}'..='\u{fdef}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || c as u32 & 0xfffe == 0xfffe
}

/// `text` on one line: control characters and those that are not seen escaped (`\n`, `\u{202e}`),
/// and no more than `most` characters, with `…` where something was left out.
#[must_use]
pub fn printable(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    for (count, c) in text.chars().enumerate() {
        if count == most {
            out.push('…');
            break;
        }
        if c.is_control() || is_unseen(c) {
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
        assert_eq!(
            printable("a\u{ad}b\u{3164}\u{e0041}\u{fe0f}\u{ffff}", 40),
            r"a\u{ad}b\u{3164}\u{e0041}\u{fe0f}\u{ffff}"
        );
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(printable("abcdef", 3), "abc…");
        assert_eq!(printable("abc", 3), "abc");
    }
}
