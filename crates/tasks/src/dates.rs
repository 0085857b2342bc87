//! Dates as a host prints them, in any language. A date that two readings fit is unknown, never guessed.

use jiff::civil::{Date, DateTime, Time};

/// Which part of a date with the year last comes first; with the year first there is one order only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// 30/11/1999.
    DayFirst,
    /// 11/30/1999.
    MonthFirst,
}

impl DateOrder {
    /// From a short date pattern of .NET, as a manifest names it: `dd/MM/yyyy`. `None` for one with the year first.
    #[must_use]
    pub fn of_pattern(pattern: &str) -> Option<Self> {
        let place = |letter: char| pattern.find(letter);
        let (day, month, year) = (place('d')?, place('M')?, place('y')?);
        match () {
            () if year < day.max(month) => None,
            () if day < month => Some(Self::DayFirst),
            () => Some(Self::MonthFirst),
        }
    }

    /// What all dates of one listing agree on: the host prints them in one format, so one that fits a single reading tells
    /// the others'. `None`: nothing tells, or they contradict each other.
    #[must_use]
    pub fn of_all<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut found = None;
        for (first, second, _) in texts.into_iter().filter_map(|text| Parts::of(text)?.year_last()) {
            let order = match (first > 12, second > 12) {
                (true, false) => Self::DayFirst,
                (false, true) => Self::MonthFirst,
                _ => continue,
            };
            if found.is_some_and(|found| found != order) {
                return None;
            }
            found = Some(order);
        }
        found
    }
}

/// A point in time that a listing or a manifest tells, by the host's wall clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stamp {
    /// It did not happen: a date that stands for "never".
    Never,
    /// When.
    At(DateTime),
    /// It is not known, and why.
    Unknown(String),
}

/// Reads a date with a time. `order`: what the manifest or the whole listing tells.
#[must_use]
pub fn read_stamp(text: &str, order: Option<DateOrder>) -> Stamp {
    let shown = || strongroom_model::text::printable(text.trim(), 40);
    let Some(parts) = Parts::of(text) else {
        return Stamp::Unknown(if text.trim().is_empty() {
            "no date is given".to_owned()
        } else {
            format!("\"{}\" is not a date", shown())
        });
    };
    let Some(date) = parts.date(order) else {
        let two = parts.year_last().is_some_and(|(first, second, _)| first <= 12 && second <= 12);
        return Stamp::Unknown(if two {
            format!("\"{}\" can be read with the day or the month first; name the host's date format", shown())
        } else {
            format!("\"{}\" is not a date", shown())
        });
    };
    match parts.time {
        _ if is_never(date) => Stamp::Never,
        Some(time) => Stamp::At(date.to_datetime(time)),
        None => Stamp::Unknown(format!("the time in \"{}\" cannot be read", shown())),
    }
}

/// The dates that COM (1899-12-30) and `Get-ScheduledTaskInfo` (1999-11-30) give for "never", or the day before where
/// a zone was applied to them.
pub(crate) fn is_never(date: Date) -> bool {
    [(1899, 12, 29), (1899, 12, 30), (1899, 12, 31), (1999, 11, 29), (1999, 11, 30)]
        .iter()
        .any(|(year, month, day)| (date.year(), date.month(), date.day()) == (*year, *month, *day))
}

/// The numbers of a date, in the order of the text, and its time.
struct Parts {
    numbers: [u32; 3],
    year_first: bool,
    time: Option<Time>,
}

impl Parts {
    fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        // The longest dates printed have some 30 characters.
        if text.len() > 80 {
            return None;
        }
        let numbers = Self::leading_numbers(text)?;
        let year_first = numbers.digits[0] == 4;
        if !year_first && numbers.digits[2] != 4 {
            return None;
        }
        Some(Self { numbers: numbers.values, year_first, time: time(&text[numbers.end..]) })
    }

    /// Three numbers with one and the same separator.
    fn leading_numbers(text: &str) -> Option<Leading> {
        let mut found = Leading { values: [0; 3], digits: [0; 3], end: 0 };
        let mut separator = None;
        for index in 0..3 {
            let rest = &text[found.end..];
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if !(1..=4).contains(&digits) {
                return None;
            }
            found.values[index] = rest[..digits].parse().ok()?;
            found.digits[index] = digits;
            found.end += digits;
            if index < 2 {
                let rest = &text[found.end..];
                let end = rest.find(|c: char| c.is_ascii_digit())?;
                let between = &rest[..end];
                let known = ["-", "/", ".", ". "].contains(&between);
                if !known || *separator.get_or_insert(between) != between {
                    return None;
                }
                found.end += end;
            }
        }
        Some(found)
    }

    fn year_last(&self) -> Option<(u32, u32, u32)> {
        let [first, second, third] = self.numbers;
        (!self.year_first).then_some((first, second, third))
    }

    fn date(&self, order: Option<DateOrder>) -> Option<Date> {
        let [first, second, third] = self.numbers;
        let date = |year: u32, month: u32, day: u32| {
            Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
        };
        if self.year_first {
            return date(first, second, third);
        }
        match order {
            Some(DateOrder::DayFirst) => date(third, second, first),
            Some(DateOrder::MonthFirst) => date(third, first, second),
            None if first == second || first > 12 => date(third, second, first),
            None if second > 12 => date(third, first, second),
            None => None,
        }
    }
}

struct Leading {
    values: [u32; 3],
    digits: [usize; 3],
    end: usize,
}

/// Words for the halves of the day, before or after the time.
const BEFORE_NOON: [&str; 9] = ["am", "a.m.", "a. m.", "오전", "上午", "午前", "πμ", "de.", "sa"];
const AFTER_NOON: [&str; 9] = ["pm", "p.m.", "p. m.", "오후", "下午", "午後", "μμ", "du.", "ch"];

/// `9:00:00`, `오후 4:54:53`, `12:36:06 AM`, `00.00.00`.
fn time(text: &str) -> Option<Time> {
    let text = text.trim_start_matches(['T', ',', '.']).trim();
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let word = format!("{}{}", text[..start].trim(), text[end..].trim()).to_lowercase();
    let half = match word.as_str() {
        "" => None,
        word if BEFORE_NOON.contains(&word) => Some(0),
        word if AFTER_NOON.contains(&word) => Some(12),
        _ => return None,
    };
    let numbers = &text[start..end];
    let separator = if numbers.contains(':') { ':' } else { '.' };
    let numbers =
        numbers.split(separator).map(|number| (number.len() <= 2).then(|| number.parse::<i8>().ok()).flatten());
    let numbers = numbers.collect::<Option<Vec<_>>>()?;
    let (hour, minute, second) = match numbers[..] {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let hour = match half {
        None => hour,
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        // 0:15 AM and 13:15 PM are printed by some.
        Some(half) if hour == 0 || half == 12 => hour,
        Some(_) => return None,
    };
    Time::new(hour, minute, second, 0).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> String {
        match read_stamp(text, None) {
            Stamp::Never => "never".to_owned(),
            Stamp::At(at) => at.to_string(),
            Stamp::Unknown(why) => why,
        }
    }

    #[test]
    fn dates_of_any_language_are_read_where_one_reading_fits() {
        for (text, read_as) in [
            ("2023-03-31 18:00:00", "2023-03-31T18:00:00"),
            ("2026/8/14 9:00:00", "2026-08-14T09:00:00"),
            ("2026-08-30 오후 4:54:53", "2026-08-30T16:54:53"),
            ("2026/8/28 下午 09:12:42", "2026-08-28T21:12:42"),
            ("2026/8/28 上午 12:12:42", "2026-08-28T00:12:42"),
            ("13/02/2025 17:30:00", "2025-02-13T17:30:00"),
            ("8/25/2017 8:43:49 AM", "2017-08-25T08:43:49"),
            ("8/25/2017 12:36:06 PM", "2017-08-25T12:36:06"),
            ("19.08.2019 08:04:04", "2019-08-19T08:04:04"),
            ("21-08-2025 16:24:15", "2025-08-21T16:24:15"),
            ("05/05/2025 17:30:00", "2025-05-05T17:30:00"),
            ("25. 12. 2025 7:30:00", "2025-12-25T07:30:00"),
            ("30/11/1999 00.00.00", "never"),
            ("11/30/1999 12:00:00 AM", "never"),
            ("1899-12-30T00:00:00", "never"),
            ("N/A", "\"N/A\" is not a date"),
            ("", "no date is given"),
            ("31/31/2025 1:00", "\"31/31/2025 1:00\" is not a date"),
            ("20/08/25 16:24", "\"20/08/25 16:24\" is not a date"),
            ("2025-08-21 sometime 4:00", "the time in \"2025-08-21 sometime 4:00\" cannot be read"),
            (
                "03/09/2026 17:00:00",
                "\"03/09/2026 17:00:00\" can be read with the day or the month first; name the host's date format",
            ),
        ] {
            assert_eq!(read(text), read_as, "{text}");
        }
    }

    #[test]
    fn the_named_format_or_the_other_dates_of_a_listing_decide() {
        let third = |order| read_stamp("03/09/2026 17:00", order);
        assert_eq!(
            third(DateOrder::of_pattern("dd/MM/yyyy")),
            Stamp::At(jiff::civil::datetime(2026, 9, 3, 17, 0, 0, 0))
        );
        assert_eq!(third(DateOrder::of_pattern("M/d/yyyy")), Stamp::At(jiff::civil::datetime(2026, 3, 9, 17, 0, 0, 0)));
        assert_eq!(DateOrder::of_pattern("yyyy-MM-dd"), None);
        assert_eq!(DateOrder::of_all(["N/A", "03/09/2026 1:00", "13/09/2026 1:00"]), Some(DateOrder::DayFirst));
        assert_eq!(DateOrder::of_all(["03/09/2026 1:00"]), None);
        assert_eq!(DateOrder::of_all(["03/19/2026 1:00", "13/09/2026 1:00"]), None, "two hosts in one listing");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}|[0-9/.: -]{6,24}(AM|오후)?") {
            let _ = (read_stamp(&text, None), read_stamp(&text, Some(DateOrder::DayFirst)));
        }
    }
}
