//! What happens to copies, and by which act.

use strongroom_model::ByteCount;
use strongroom_model::event::{
    Act, CopyDamaged, CopyProven, CopyRestored, CustodyAdvanced, CustodyRequested, Found, ReadBack, RestoreTo,
    Selection, Tally,
};
use strongroom_model::text::grouped;

use super::{clause, count, instant, quoted, short};

pub(super) fn made(data: &CopyProven) -> String {
    let from = data.from.map_or_else(String::new, |from| format!(" from drive {from}"));
    format!(
        "Booking {} was copied{from} to drive {}, at {}: {}, {}; {}.",
        data.booking,
        data.drive,
        quoted(&data.path),
        data.size_bytes,
        short(&data.sha256),
        read(data.read_back)
    )
}

pub(super) fn proven(data: &CopyProven) -> String {
    format!(
        "The copy of booking {} on drive {}, at {}, is as it was proven: {}, {}; {}.",
        data.booking,
        data.drive,
        quoted(&data.path),
        data.size_bytes,
        short(&data.sha256),
        read(data.read_back)
    )
}

pub(super) fn repaired(data: &CopyProven) -> String {
    let from = data.from.map_or_else(|| "another drive".to_owned(), |from| format!("drive {from}"));
    let aside = data
        .quarantined
        .as_ref()
        .map_or_else(String::new, |path| format!(" What was there is kept at {}.", quoted(path)));
    format!(
        "The copy of booking {} on drive {}, at {}, was written anew from {from}: {}; {}.{aside}",
        data.booking,
        data.drive,
        quoted(&data.path),
        short(&data.sha256),
        read(data.read_back)
    )
}

pub(super) fn damaged(data: &CopyDamaged) -> String {
    let found = match &data.found {
        Found::Missing => "is missing".to_owned(),
        Found::Differs { sha256, size_bytes } => format!("is not what was proven: {size_bytes}, {}", short(sha256)),
        Found::Unreadable { reason } => format!("cannot be read: {}", clause(reason)),
    };
    format!("The copy of booking {} on drive {}, at {}, {found}.", data.booking, data.drive, quoted(&data.path))
}

pub(super) fn restored(data: &CopyRestored) -> String {
    format!(
        "Booking {} was restored from drive {} to {}: {}, read again after writing.",
        data.booking,
        data.drive,
        quoted(&data.to),
        short(&data.sha256)
    )
}

const fn read(how: ReadBack) -> &'static str {
    match how {
        ReadBack::Direct => "read back past the cache",
        ReadBack::CacheDropped => "read back after it had left the cache",
        ReadBack::Cached => "read back, perhaps from a cache",
    }
}

pub(super) fn requested(who: &str, data: &CustodyRequested) -> String {
    let drive = &data.act.drive().drive;
    let what = match &data.act {
        Act::Verify { which, .. } => format!("read {} on drive {drive}", chosen(which)),
        Act::Copy { to, .. } => {
            let to: Vec<_> = to.iter().map(|one| format!("drive {}", one.drive)).collect();
            format!("copy what drive {drive} holds to {}", to.join(" and "))
        }
        Act::Repair { from, .. } => format!("repair what is damaged on drive {drive}, from drive {}", from.drive),
        Act::Restore { to, which, .. } => {
            let to = match to {
                RestoreTo::Folder { path } => format!("the folder {}", quoted(path)),
                RestoreTo::Scratch => "a scratch folder, as a drill".to_owned(),
                RestoreTo::Server => "the document server's archive".to_owned(),
            };
            format!("restore {} on drive {drive} to {to}", chosen(which))
        }
    };
    format!("Act {who} was requested: {what}.")
}

fn chosen(which: &Selection) -> String {
    match which {
        Selection::All => "every copy".to_owned(),
        Selection::Bookings { ids } => format!("the copies of {}", count(ids.len() as u64, "booking")),
        Selection::Month { month } => format!("the copies of {month}"),
        Selection::Since { time } => format!("the copies without a proof since {}", instant(*time)),
        Selection::Sample { per_10000, .. } => {
            format!("{}.{:02} % of the copies", per_10000 / 100, per_10000 % 100)
        }
    }
}

pub(super) fn advanced(who: &str, data: &CustodyAdvanced) -> String {
    format!("Act {who} went on to position {}: {}.", data.next, sums(&data.tally))
}

pub(super) fn finished(who: &str, tally: &Tally) -> String {
    let given_up: Vec<_> = tally
        .given_up
        .iter()
        .map(|one| format!(" Drive {} was given up: {}.", one.drive, clause(&one.reason)))
        .collect();
    format!("Act {who} is done: {}.{}", sums(tally), given_up.concat())
}

fn sums(tally: &Tally) -> String {
    let mut parts = vec![format!("{} as proven", grouped(tally.good))];
    for (number, what) in [
        (tally.damaged, "damaged"),
        (tally.written, "written"),
        (tally.skipped, "done before"),
        (tally.faults, "faults of the bags"),
    ] {
        if number > 0 {
            parts.push(format!("{} {what}", grouped(number)));
        }
    }
    let ByteCount(bytes) = tally.bytes;
    if bytes > 0 {
        parts.push(format!("{} read", tally.bytes));
    }
    parts.join(", ")
}
