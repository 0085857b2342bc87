use strongroom_bus::{Done, Settle, Task, TaskOutcome};
use strongroom_drive::{Drive, Landed};
use strongroom_model::booking::Booking;
use strongroom_model::event::Fetched;
use strongroom_model::{ByteCount, DriveId, Event};
use strongroom_service::kill_point;

use crate::fate::drive_outcome;
use crate::transfer::Downloaded;
use strongroom_service::blocking;

/// From this size on a file is committed alone: small ones must not wait while the drive writes it.
pub(crate) const ALONE_FROM_BYTES: ByteCount = ByteCount(64 * 1024 * 1024);

/// Makes files durable under their final names with one sync, then settles their tasks.
///
/// - If we stop before the commit, the files have temporary names; the next attempt resumes them.
/// - If we stop between commit and append, they have their final names without an event. The next attempt finds them in
///   place and writes nothing.
pub(crate) async fn commit_group(drive: Drive, group: Vec<(Task<Booking>, Downloaded)>, settle: Settle<Booking>) {
    kill_point!("fetch.after-download");
    let mut tasks = Vec::with_capacity(group.len());
    let mut files = Vec::with_capacity(group.len());
    for (task, file) in group {
        files.push(file.received);
        tasks.push((task, file.elapsed_ms));
    }
    let id = drive.identity().id;
    let (count, began) = (files.len(), tokio::time::Instant::now());
    let landed = blocking(move || drive.commit(files)).await;
    tracing::debug!(files = count, elapsed_ms = began.elapsed().as_millis(), "committed files");
    kill_point!("fetch.after-commit");
    let outcomes = tasks.into_iter().zip(landed).map(|((task, elapsed_ms), landed)| match landed {
        Ok(landed) => (task, TaskOutcome::Done(Done::event(fetched(id, landed, elapsed_ms)))),
        Err(error) => (task, drive_outcome(&error)),
    });
    settle.settle(outcomes.collect()).await;
}

fn fetched(drive: DriveId, landed: Landed, elapsed_ms: u64) -> Event {
    Event::TimesheetFetched(Fetched {
        drive,
        path: landed.path,
        month: landed.month,
        size_bytes: landed.size,
        sha256: landed.pair.sha256,
        in_flight: landed.pair.named,
        sync: landed.sync,
        resumed_from_bytes: landed.resumed_from,
        elapsed_ms,
    })
}
