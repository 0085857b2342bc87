//! A bag's tag files (RFC 8493, sections 2.1.1 and 2.2.2).

use crate::place::BagPlace;

pub(crate) const DECLARATION_FILE: &str = "bagit.txt";
const DECLARATION: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
pub(crate) const INFO_FILE: &str = "bag-info.txt";
/// The label of the program's version.
pub(crate) const AGENT: &str = "Bag-Software-Agent: ";
/// The label of the payload's size, which other programs add.
pub(crate) const OXUM: &str = "Payload-Oxum: ";

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
