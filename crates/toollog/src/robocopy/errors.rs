//! Numbered errors, and which of them a retry took back.

use crate::items::{Item, Items};
use crate::robocopy::codes::text_of;

/// `2025/11/18 10:30:01 WORD 5 (0x00000005) text path`: the date is the same in every language, the word is not.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NumberedError<'a> {
    pub(crate) code: i64,
    pub(crate) path: Option<&'a str>,
}

/// Length of `2025/11/18 10:30:01`.
const DATE_CHARS: usize = 19;

pub(crate) fn numbered(line: &str) -> Option<NumberedError<'_>> {
    let date = line.as_bytes().get(..DATE_CHARS)?;
    let shape = b"dddd/dd/dd dd:dd:dd";
    let fits = |(&byte, &of): (&u8, &u8)| if of == b'd' { byte.is_ascii_digit() } else { byte == of };
    if !date.iter().zip(shape).all(fits) {
        return None;
    }
    let rest = line.get(DATE_CHARS..)?.strip_prefix(' ')?;
    let (before, after) = rest.split_once(" (0x")?;
    let (hex, text) = after.split_once(')')?;
    let code: i64 = before.rsplit(' ').next()?.parse().ok()?;
    // The number stands there twice: what agrees is not a file's name.
    if u32::from_str_radix(hex, 16).ok()? != u32::try_from(code).ok()? {
        return None;
    }
    Some(NumberedError { code, path: path_in(text) })
}

/// From the first drive letter or share to the line's end.
fn path_in(text: &str) -> Option<&str> {
    let share = text.find("\\\\");
    let drive = text.find(":\\").and_then(|colon| colon.checked_sub(1)).filter(|&at| text.is_char_boundary(at));
    let at = match (share, drive) {
        (Some(share), Some(drive)) => share.min(drive),
        (share, drive) => share.or(drive)?,
    };
    Some(text[at..].trim_end())
}

/// The error that a retry may still take back, and those that none will.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    open: Option<Item>,
    /// The file's own line came again after the error: it is being tried.
    is_retried: bool,
    /// The next line is the system's text for the error.
    awaits_reason: bool,
}

impl Errors {
    pub(crate) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(crate) fn error(&mut self, error: &NumberedError<'_>, items: &mut Items) -> Item {
        let item = Item::new(error.path, Some(error.code), text_of(error.code));
        if self.open.as_ref().is_some_and(|open| open.path != item.path) {
            self.settle(items);
        }
        self.open = Some(item.clone());
        self.is_retried = false;
        self.awaits_reason = true;
        item
    }

    /// The system's own words, for a code that we have none for.
    pub(crate) fn reason(&mut self, line: &str) -> Option<Item> {
        if !std::mem::take(&mut self.awaits_reason) {
            return None;
        }
        let open = self.open.as_mut().filter(|open| open.reason.is_none())?;
        open.reason = Item::new(None, None, Some(line)).reason;
        Some(open.clone())
    }

    pub(crate) const fn awaits_reason(&self) -> bool {
        self.awaits_reason
    }

    /// A line that names a file or folder.
    pub(crate) fn listed(&mut self, name: &str, items: &mut Items) {
        self.awaits_reason = false;
        let Some(open) = &self.open else { return };
        // Without /FP the line has the name only.
        let is_same = open.path.as_deref().is_some_and(|path| is_path_of(path, name));
        if is_same {
            self.is_retried = true;
        } else {
            self.settle(items);
        }
    }

    /// Retries are over: "RETRY LIMIT EXCEEDED", in whatever language.
    pub(crate) fn given_up(&mut self, items: &mut Items) {
        self.is_retried = false;
        self.settle(items);
    }

    /// What was tried again and is not followed by an error of the same path has succeeded.
    pub(crate) fn settle(&mut self, items: &mut Items) {
        self.awaits_reason = false;
        if let Some(item) = self.open.take().filter(|_| !self.is_retried) {
            items.push(item);
        }
        self.is_retried = false;
    }
}

fn is_path_of(path: &str, name: &str) -> bool {
    path == name || path.strip_suffix(name).is_some_and(|folder| folder.ends_with('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_known_by_its_date_and_its_number_given_twice() {
        let error = |code, path| Some(NumberedError { code, path: Some(path) });
        assert_eq!(
            numbered(r"2025/11/18 10:30:01 ERROR 53 (0x00000035) Accessing Destination Directory \\owl\rwg$\"),
            error(53, r"\\owl\rwg$\")
        );
        assert_eq!(
            numbered("2024/04/21 14:03:01 错误 5 (0x00000005) 正在复制文件 D:\\账目\\a.txt"),
            error(5, r"D:\账目\a.txt")
        );
        for line in [
            "2024/04/21 14:03:01 ERROR 5 (0x00000006) x",
            "24/04/21 14:03:01 ERROR 5 (0x5) x",
            "",
            "2024/04/21 14:03:01",
        ] {
            assert_eq!(numbered(line), None, "{line}");
        }
    }
}
