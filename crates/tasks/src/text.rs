//! From bytes to text. What a file declares of its encoding is ignored: Task Scheduler, PowerShell and editors all write
//! `encoding="UTF-16"` over anything.

mod code_page;

pub use self::code_page::CodePage;

/// The largest file that is read, in bytes: the largest dump seen, of a whole machine, has a quarter of a megabyte.
pub const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;
/// So many bytes are looked at for the NULs of UTF-16 without a mark.
const SNIFFED_BYTES: usize = 256;

/// Text, and what it was encoded in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Without a byte order mark.
    pub text: String,
    /// As found, not as declared.
    pub encoding: Encoding,
}

/// How bytes were found to be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Nothing above 0x7f.
    Ascii,
    /// UTF-8, with a byte order mark or not.
    Utf8 {
        /// Whether it begins with EF BB BF.
        mark: bool,
    },
    /// UTF-16, with a byte order mark or not.
    Utf16 {
        /// Big endian.
        big: bool,
        /// Whether it begins with FF FE or FE FF.
        mark: bool,
    },
    /// A code page that was configured or that the host named.
    Page(CodePage),
}

impl std::fmt::Display for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let marked = |mark: bool| if mark { "+bom" } else { "" };
        match self {
            Self::Ascii => f.write_str("ascii"),
            Self::Utf8 { mark } => write!(f, "utf-8{}", marked(*mark)),
            Self::Utf16 { big, mark } => write!(f, "utf-16{}{}", if *big { "be" } else { "le" }, marked(*mark)),
            Self::Page(page) => write!(f, "cp{}", page.number()),
        }
    }
}

/// Why bytes are not text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Above [`MAX_FILE_BYTES`].
    #[error("has {0} bytes; a file of task definitions has at most {MAX_FILE_BYTES}")]
    TooLarge(usize),
    /// Half a character at the end, or half a surrogate pair.
    #[error("is UTF-16 that is cut off or damaged at byte {0}")]
    Utf16(usize),
    /// Not UTF-8, and no code page is known.
    #[error(
        "is not UTF-8 from byte {0} on; name the host's OEM code page (as chcp prints it) with --code-page, or with code_page in the job"
    )]
    NotUtf8(usize),
    /// Not UTF-8, and not of the code page either.
    #[error("is neither UTF-8 nor code page {0}")]
    NotOfPage(u16),
    /// A NUL in what is not UTF-16.
    #[error("is binary: it holds a NUL at byte {0}")]
    Binary(usize),
}

/// Reads text: a byte order mark decides, else the NULs of UTF-16, else strict UTF-8, else the given page.
///
/// # Errors
///
/// [`TextError`]; nothing is ever replaced.
pub fn decode(bytes: &[u8], page: Option<CodePage>) -> Result<Decoded, TextError> {
    decode_up_to(bytes, page, MAX_FILE_BYTES)
}

/// As [`decode`], with another bound in bytes.
pub(crate) fn decode_up_to(bytes: &[u8], page: Option<CodePage>, most: usize) -> Result<Decoded, TextError> {
    if bytes.len() > most {
        return Err(TextError::TooLarge(bytes.len()));
    }
    let (encoding, text) = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => (Encoding::Utf8 { mark: true }, utf8(rest, page, 3)?.1),
        [0xff, 0xfe, rest @ ..] => (Encoding::Utf16 { big: false, mark: true }, utf16(rest, false, 2)?),
        [0xfe, 0xff, rest @ ..] => (Encoding::Utf16 { big: true, mark: true }, utf16(rest, true, 2)?),
        _ => match unmarked_utf16(bytes) {
            Some(big) => (Encoding::Utf16 { big, mark: false }, utf16(bytes, big, 0)?),
            None => utf8(bytes, page, 0)?,
        },
    };
    match text.find('\0') {
        Some(at) => Err(TextError::Binary(at)),
        None => Ok(Decoded { text, encoding }),
    }
}

/// Markup and lists are ASCII for the most part: in UTF-16 every second byte of these is NUL.
fn unmarked_utf16(bytes: &[u8]) -> Option<bool> {
    let sniffed = &bytes[..bytes.len().min(SNIFFED_BYTES)];
    let nuls = |offset: usize| sniffed.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (first, second, half) = (nuls(0), nuls(1), sniffed.len() / 2);
    // Half of the characters at least; in the other byte few, as of U+0100.
    let is_most = |most: usize, few: usize| half >= 4 && most * 2 >= half && few * 4 <= most;
    if is_most(second, first) { Some(false) } else { is_most(first, second).then_some(true) }
}

fn utf16(bytes: &[u8], big: bool, offset: usize) -> Result<String, TextError> {
    if bytes.len() % 2 == 1 {
        return Err(TextError::Utf16(offset + bytes.len() - 1));
    }
    let units = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) });
    let mut text = String::with_capacity(bytes.len() / 2);
    let mut at = offset;
    for decoded in char::decode_utf16(units) {
        let c = decoded.map_err(|_| TextError::Utf16(at))?;
        at += c.len_utf16() * 2;
        text.push(c);
    }
    Ok(text)
}

fn utf8(bytes: &[u8], page: Option<CodePage>, offset: usize) -> Result<(Encoding, String), TextError> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => return Ok((Encoding::Ascii, text.to_owned())),
        Ok(text) => return Ok((Encoding::Utf8 { mark: false }, text.to_owned())),
        Err(error) => error,
    };
    let at = offset + error.valid_up_to();
    if let Some(nul) = bytes.iter().position(|byte| *byte == 0) {
        return Err(TextError::Binary(offset + nul));
    }
    let page = page.ok_or(TextError::NotUtf8(at))?;
    page.decode(bytes).map(|text| (Encoding::Page(page), text)).ok_or(TextError::NotOfPage(page.number()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn utf16_of(text: &str, big: bool, mark: bool) -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    fn read(bytes: &[u8], page: Option<u16>) -> Result<(String, String), String> {
        let page = page.map(|page| CodePage::new(page).unwrap());
        decode(bytes, page).map(|found| (found.text, found.encoding.to_string())).map_err(|error| error.to_string())
    }

    #[test]
    fn the_bytes_decide_and_not_the_declaration() {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-16\"?><Task>Prüfung</Task>";
        for (bytes, encoding) in [
            (utf16_of(text, false, true), "utf-16le+bom"),
            (utf16_of(text, true, true), "utf-16be+bom"),
            (utf16_of(text, false, false), "utf-16le"),
            (utf16_of(text, true, false), "utf-16be"),
            (text.as_bytes().to_vec(), "utf-8"),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), "utf-8+bom"),
        ] {
            assert_eq!(read(&bytes, None), Ok((text.to_owned(), encoding.to_owned())));
        }
        assert_eq!(read(b"<Task/>", Some(850)), Ok(("<Task/>".to_owned(), "ascii".to_owned())));
    }

    #[test]
    fn a_code_page_is_tried_last() {
        assert_eq!(read(b"Derni\x8are ex\x82cution", Some(850)).unwrap().0, "Dernière exécution");
        assert_eq!(read(b"N\x84chste Laufzeit", Some(437)).unwrap().0, "Nächste Laufzeit");
        assert_eq!(read(b"\xc8\xce\xce\xf1\xc3\xfb", Some(936)).unwrap().0, "任务名");
        assert_eq!(read(b"\x88\xac\xef", Some(866)).unwrap(), ("Имя".to_owned(), "cp866".to_owned()));
        assert_eq!(read("Prüfung".as_bytes(), Some(850)).unwrap().1, "utf-8");
    }

    #[test]
    fn what_is_not_text_says_what_it_is() {
        assert_eq!(
            read(b"N\x84chste", None).unwrap_err(),
            "is not UTF-8 from byte 1 on; name the host's OEM code page (as chcp prints it) with --code-page, or with code_page in the job"
        );
        assert_eq!(read(b"\xff\xfe<\0T", None).unwrap_err(), "is UTF-16 that is cut off or damaged at byte 4");
        assert_eq!(read(b"\xff\xfe\x00\xd8<\0", None).unwrap_err(), "is UTF-16 that is cut off or damaged at byte 2");
        assert_eq!(read(b"\x80\xff\xff", Some(932)).unwrap_err(), "is neither UTF-8 nor code page 932");
        assert_eq!(read(b"MZ\x90\0\x03", None).unwrap_err(), "is binary: it holds a NUL at byte 3");
        assert_eq!(read(b"abcdefgh\0", None).unwrap_err(), "is binary: it holds a NUL at byte 8");
        let large = vec![b'<'; MAX_FILE_BYTES + 1];
        assert!(read(&large, None).unwrap_err().starts_with("has 4194305 bytes"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), page in prop::sample::select(vec![437u16, 850, 932, 936])) {
            let _ = read(&bytes, Some(page));
            let _ = read(&bytes, None);
        }

        #[test]
        fn text_survives_each_encoding(text in "[ -~]{12,40}\\PC{0,10}") {
            for (big, mark) in [(true, true), (false, true), (true, false), (false, false)] {
                prop_assert_eq!(read(&utf16_of(&text, big, mark), None).unwrap().0, text.clone());
            }
            prop_assert_eq!(read(text.as_bytes(), None).unwrap().0, text);
        }
    }
}
