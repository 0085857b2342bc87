//! Any file that may hold tasks of Windows: what it is, and what is in it.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::problem::{Format, Problem, Reading};
use crate::task::Origin;
use crate::text::{CodePage, decode};
use crate::{schtasks, xml};

/// Reads a file of definitions or a listing. `file`: its name beneath the collection, for messages; `path`: that of its
/// only task, where the file's place tells it; `page`: the OEM code page of the host, for consoles' output.
///
/// Every outcome is in the [`Reading`]: what could not be read is among its problems.
#[must_use]
pub fn read_file(file: &str, path: Option<&str>, bytes: &[u8], page: Option<CodePage>) -> Reading {
    if is_job(bytes) {
        return Reading::failed(Format::Job, Problem::Job);
    }
    let decoded = match decode(bytes, page) {
        Ok(decoded) => decoded,
        Err(error) => return Reading::failed(Format::Unknown, error.into()),
    };
    let text = decoded.text.trim_start_matches('\u{feff}');
    let origin = Origin {
        file: file.to_owned(),
        sha256: HEXLOWER.encode(&Sha256::digest(bytes)),
        encoding: decoded.encoding.to_string(),
    };
    if text.trim().is_empty() {
        return Reading::failed(Format::Unknown, Problem::Empty);
    }
    if text.trim_start().starts_with('<') {
        let place = path_of(file);
        return xml::read(text, &origin, path.map_or(xml::Named::Place(&place), xml::Named::Known));
    }
    schtasks::read(text).unwrap_or_else(|| Reading::failed(Format::Unknown, Problem::Unknown))
}

/// The path that a file's place stands for: `OpenData/Nightly.xml` is `\OpenData\Nightly`.
fn path_of(file: &str) -> String {
    let stem = file.strip_suffix(".xml").or_else(|| file.strip_suffix(".XML")).unwrap_or(file);
    format!("\\{}", stem.trim_start_matches('/').replace('/', "\\"))
}

/// FIXDLEN_DATA (MS-TSCH 2.4.1): the product's version, then the file's version, which is 1.
fn is_job(bytes: &[u8]) -> bool {
    let product = bytes.first_chunk::<2>().map(|two| u16::from_le_bytes(*two));
    let known = [0x0400, 0x0500, 0x0501, 0x0600, 0x0601, 0x0602, 0x0603, 0x0a00];
    bytes.len() >= 68 && product.is_some_and(|product| known.contains(&product)) && bytes[2..4] == [1, 0]
}
