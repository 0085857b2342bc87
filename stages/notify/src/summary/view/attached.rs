use std::collections::BTreeSet;

use strongroom_model::event::{DiskOf, DriveAttached};

use crate::format_text::name;
use crate::summary::report::SummaryReport;

/// Remarks on the drives of the interval's copies and on the one attached last, repeated as long as they hold.
pub(super) fn in_use(report: &SummaryReport) -> Vec<String> {
    let drives = &report.open.drives;
    let used: BTreeSet<_> = report.tally.files.drives.keys().copied().chain(drives.current).collect();
    let known = used.into_iter().filter_map(|id| Some((id, *drives.attached.get(&id)?)));
    known
        .flat_map(|(id, attached)| {
            let drive = drives.labels.get(&id).map_or_else(|| id.to_string(), |label| format!("“{}”", name(label)));
            remarks(&drive, attached)
        })
        .collect()
}

fn remarks(drive: &str, attached: DriveAttached) -> Vec<String> {
    let shared = |whose| {
        format!(
            "Drive {drive} is on the disk of {whose}: if that disk fails, the copies on it are lost with it. Mount a drive of its \
             own there."
        )
    };
    let disk = match attached.disk {
        DiskOf::Own => None,
        DiskOf::System => Some(shared("the system")),
        DiskOf::Log => Some(shared("the log")),
        DiskOf::Documents => Some(shared("the documents")),
        DiskOf::Memory => {
            Some(format!("Drive {drive} is in memory: all copies on it are gone with the power. Mount a disk there."))
        }
    };
    let cached = attached.cached_is_proven.then(|| {
        format!(
            "`verify.require` is set to \"cached\" for drive {drive}: a copy counts as proven though it may have been read back from \
             a cache. Such a copy proves less, and no purge counts it."
        )
    });
    disk.into_iter().chain(cached).collect()
}
