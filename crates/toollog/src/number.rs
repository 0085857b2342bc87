//! Figures as the tools print them: grouped in some country's way, or short with a unit.

/// A whole number with or without separators of thousands: `1234`, `1,234`, `1.234`, `1 234` (any blank), `1'234`.
#[must_use]
pub fn integer(text: &str) -> Option<u64> {
    let mut value = 0_u64;
    let mut group = 0_usize;
    let mut groups = 0_usize;
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
            group += 1;
        } else if matches!(c, ',' | '.' | '\'' | ' ' | '\u{a0}' | '\u{202f}') && group > 0 {
            if (groups == 0 && group > 3) || (groups > 0 && group != 3) {
                return None;
            }
            groups += 1;
            group = 0;
        } else {
            return None;
        }
    }
    (group > 0 && (groups == 0 || group == 3)).then_some(value)
}

/// What one unit is a multiple of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// rsync's `--human-readable`.
    Decimal,
    /// robocopy, rclone, restic.
    Binary,
}

/// A short figure, `14.89` and the unit `G`, as a number of bytes. Rounded as it is printed.
#[must_use]
pub fn scaled(figure: &str, unit: char, base: Base) -> Option<u64> {
    let power = match unit.to_ascii_lowercase() {
        'k' => 1,
        'm' => 2,
        'g' => 3,
        't' => 4,
        'p' => 5,
        'e' => 6,
        _ => return None,
    };
    let is_figure = figure.starts_with(|c: char| c.is_ascii_digit())
        && figure.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','));
    let figure: f64 = is_figure.then(|| figure.replace(',', ".").parse().ok()).flatten()?;
    let factor: f64 = if base == Base::Decimal { 1000.0 } else { 1024.0 };
    // A float that is too large saturates: as good as any other wrong number.
    Some((figure * factor.powi(power)).round() as u64)
}

/// A figure with its unit as one word: `14.89G`, `305.01K`, `24,788,299`.
#[must_use]
pub fn figure(word: &str, base: Base) -> Option<u64> {
    match word.char_indices().next_back() {
        Some((at, unit)) if unit.is_ascii_alphabetic() => scaled(&word[..at], unit, base),
        _ => integer(word),
    }
}

/// The figure at the start of `text`, up to the first blank.
pub(crate) fn leading(text: &str, base: Base) -> Option<u64> {
    figure(text.split_whitespace().next()?.trim_end_matches(','), base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated_in_every_countrys_way() {
        for text in ["1234567", "1,234,567", "1.234.567", "1 234 567", "1\u{a0}234\u{202f}567", "1'234'567"] {
            assert_eq!(integer(text), Some(1_234_567), "{text}");
        }
        for text in ["", ",1", "12,34", "1234,567", "1,2345", "12a", "-1", "99999999999999999999"] {
            assert_eq!(integer(text), None, "{text}");
        }
    }

    #[test]
    fn units_are_binary_or_decimal() {
        assert_eq!(scaled("844.3", 'k', Base::Binary), Some(864_563));
        assert_eq!(scaled("2.032", 't', Base::Binary), Some(2_234_207_627_641));
        assert_eq!(figure("14.89G", Base::Decimal), Some(14_890_000_000));
        assert_eq!(figure("24,788,299", Base::Decimal), Some(24_788_299));
        assert_eq!(figure("1e9", Base::Decimal), None);
        assert_eq!(figure("é", Base::Decimal), None);
        assert_eq!(scaled("9".repeat(400).as_str(), 'p', Base::Binary), Some(u64::MAX));
    }
}
