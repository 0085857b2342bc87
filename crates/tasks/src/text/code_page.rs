//! Code pages by their Windows number, as `chcp` prints it.

use encoding_rs::Encoding;
use oem_cp::code_table::DECODING_TABLE_CP_MAP;

/// A code page that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodePage(u16);

impl CodePage {
    /// `None`: a page that is not known here.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        (web(number).is_some() || DECODING_TABLE_CP_MAP.contains_key(&number)).then_some(Self(number))
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// `None`: the bytes are not of this page.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<String> {
        match web(self.0) {
            Some(encoding) => encoding.decode_without_bom_handling_and_without_replacement(bytes).map(Into::into),
            None => DECODING_TABLE_CP_MAP.get(&self.0)?.decode_string_checked(bytes),
        }
    }
}

/// The pages that the web's encodings cover. 1252 and the like leave no byte without a meaning.
fn web(number: u16) -> Option<&'static Encoding> {
    Some(match number {
        866 => encoding_rs::IBM866,
        874 => encoding_rs::WINDOWS_874,
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        1250 => encoding_rs::WINDOWS_1250,
        1251 => encoding_rs::WINDOWS_1251,
        1252 => encoding_rs::WINDOWS_1252,
        1253 => encoding_rs::WINDOWS_1253,
        1254 => encoding_rs::WINDOWS_1254,
        1255 => encoding_rs::WINDOWS_1255,
        1256 => encoding_rs::WINDOWS_1256,
        1257 => encoding_rs::WINDOWS_1257,
        1258 => encoding_rs::WINDOWS_1258,
        54936 => encoding_rs::GB18030,
        65001 => encoding_rs::UTF_8,
        _ => return None,
    })
}
