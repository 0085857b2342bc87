//! Proven bookings, and batches handed to the stage as the runner would.

use std::ops::Deref;

use strongroom_archive::Archive;
use strongroom_bus::{BatchOutcome, RetryPolicy, Task};
use strongroom_model::DriveId;
use strongroom_model::booking::Booking;
use strongroom_stage_rig::{StageRig, sample};

pub(crate) struct Rig {
    site: StageRig,
    drive: DriveId,
}

impl Deref for Rig {
    type Target = StageRig;

    fn deref(&self) -> &StageRig {
        &self.site
    }
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self { site: StageRig::new().await, drive: DriveId::random() }
    }

    /// A booking whose copy is proven.
    pub(crate) async fn backed_up(&self, id: &str, content: &[u8]) -> Task<Booking> {
        let (path, size, digest) =
            (format!("acme/2026-11/data/{id}/t.pdf"), content.len() as u64, sample::sha256(content));
        self.append(id, sample::enumerated("t.pdf", size, digest.clone())).await;
        self.append(id, sample::fetched(self.drive, &path, size, &digest)).await;
        self.append(id, sample::backed_up(self.drive, &path, size, &digest)).await;
        self.task(id).await
    }

    pub(crate) async fn handle(&self, stage: &Archive, tasks: Vec<Task<Booking>>) -> BatchOutcome {
        self.site.handle(stage, RetryPolicy::default(), tasks).await
    }
}
