//! What happens to drives.

use strongroom_model::event::{DriveAdopted, DriveUsed};
use strongroom_model::text::printable;

use super::{NAME_CHARS, clause};

pub(super) fn used(who: &str, data: &DriveUsed) -> String {
    let before = data.before.map_or_else(String::new, |before| format!(", after use {}", before.generation));
    let on = |what: &str, id: &Option<String>| {
        id.as_ref().map_or_else(String::new, |id| format!(", {what} {}", printable(id, NAME_CHARS)))
    };
    format!(
        "Drive {who} is in use, number {}{before}{}{}.",
        data.generation,
        on("device", &data.serial),
        on("file system", &data.filesystem)
    )
}

pub(super) fn adopted(who: &str, data: &DriveAdopted) -> String {
    let had = data.before.map_or_else(|| "no use".to_owned(), |before| format!("use {} only", before.generation));
    format!(
        "What has the identity of drive {who} and knew of {had} is the right one from use {} on: {}.",
        data.generation,
        clause(&data.reason)
    )
}
