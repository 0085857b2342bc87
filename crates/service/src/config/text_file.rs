//! Text files as any system's editors save them.

use std::io::{self, Read as _};
use std::path::Path;

#[derive(Debug)]
pub(super) enum TextFileError {
    TooLong,
    /// The operating system's error, or how to save the file.
    Unreadable(io::Error),
}

/// Strips a byte order mark.
pub(super) fn read(path: &Path, max_bytes: u64) -> Result<String, TextFileError> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(max_bytes + 1).read_to_end(&mut bytes));
    if read.map_err(TextFileError::Unreadable)? as u64 > max_bytes {
        return Err(TextFileError::TooLong);
    }
    decode(bytes).map_err(|why| TextFileError::Unreadable(io::Error::new(io::ErrorKind::InvalidData, why)))
}

fn decode(mut bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.contains(&0) {
        return Err("it is saved as UTF-16, or is not a text: save it as UTF-8".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("a character on line {line} is not UTF-8: save it as UTF-8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_however_it_was_saved_or_says_how_to_save_it() {
        assert_eq!(decode(b"\xef\xbb\xbfsite = 1".to_vec()).unwrap(), "site = 1");
        assert!(decode(b"\xff\xfes\0i\0".to_vec()).unwrap_err().contains("UTF-16"));
        assert!(decode(b"s\0i\0t\0e\0".to_vec()).unwrap_err().contains("UTF-16"));
        assert!(decode(b"a = 1\n# M\xe4rz".to_vec()).unwrap_err().contains("line 2 is not UTF-8"));
    }
}
