//! A bag's tag files (RFC 8493, sections 2.1.1 and 2.2.2).

use strongroom_model::text;

use crate::place::BagPlace;

pub(crate) const DECLARATION_FILE: &str = "bagit.txt";
const DECLARATION: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
pub(crate) const INFO_FILE: &str = "bag-info.txt";
/// The label of the program's version.
const AGENT: &str = "Bag-Software-Agent: ";
/// The label of the payload's size, which other programs add.
const OXUM: &str = "Payload-Oxum: ";

pub(crate) fn of(place: &BagPlace) -> [(&'static str, String); 2] {
    [(DECLARATION_FILE, DECLARATION.to_owned()), (INFO_FILE, info(place))]
}

/// No Payload-Oxum: it would have to change in one step with the manifest.
fn info(place: &BagPlace) -> String {
    format!(
        "{AGENT}strongroom {}\nExternal-Identifier: {site}/{month}\nBag-Group-Identifier: {site}\n",
        env!("CARGO_PKG_VERSION"),
        site = place.site,
        month = place.month,
    )
}

/// What differs from what was written. A Payload-Oxum, which other programs add, must be `payload`.
pub(crate) fn compare(name: &str, written: &str, found: &[u8], payload: Option<&str>) -> Result<(), String> {
    let found = std::str::from_utf8(found).map_err(|_| "it is not UTF-8 text".to_owned())?;
    if name != INFO_FILE {
        return if found == written { Ok(()) } else { Err("it is not as RFC 8493 wants it".to_owned()) };
    }
    let (mut written, mut found): (Vec<_>, Vec<_>) = (written.lines().collect(), found.lines().collect());
    // Each version writes its own.
    for lines in [&mut written, &mut found] {
        lines.retain(|line| !line.starts_with(AGENT));
    }
    if let Some(at) = found.iter().position(|line| line.starts_with(OXUM)) {
        let oxum = found.remove(at)[OXUM.len()..].trim();
        if payload.is_none_or(|payload| payload != oxum) {
            return Err(format!("its Payload-Oxum is {}, which the payload has not", text::printable(oxum, 60)));
        }
    }
    if found == written { Ok(()) } else { Err("it names another site or month, or more than was written".to_owned()) }
}
