//! What happens to drives.

use strongroom_model::event::{DriveAdopted, DriveHandedOver, DriveRetired, DriveReturned, DriveUsed};
use strongroom_model::text::printable;

use super::{NAME_CHARS, clause, count, quoted};

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

pub(super) fn handed_over(who: &str, data: &DriveHandedOver) -> String {
    format!(
        "Drive {who} was handed over to {}, and is kept at {}: {}, {}; receipt {}.",
        quoted(&data.to),
        quoted(&data.place),
        count(data.files, "proven file"),
        data.bytes,
        printable(&data.receipt_sha256, NAME_CHARS).chars().take(12).collect::<String>()
    )
}

pub(super) fn returned(who: &str, data: &DriveReturned) -> String {
    let from = data.from.as_ref().map_or_else(String::new, |from| format!(" from {}", quoted(from)));
    format!("Drive {who} came back{from}, and is kept at {}.", quoted(&data.place))
}

pub(super) fn retired(who: &str, data: &DriveRetired) -> String {
    format!(
        "Drive {who} was taken out of service: {}. Each of its {} is proven on {} at least.",
        clause(&data.reason),
        count(data.files, "booking"),
        count(u64::from(data.elsewhere), "other drive")
    )
}
