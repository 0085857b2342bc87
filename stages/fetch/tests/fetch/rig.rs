//! A drive, and batches handed to the stage as the runner would.

use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use strongroom_bus::{RetryPolicy, Task};
use strongroom_drive::{Destination, Drive};
use strongroom_fetch::{Fetch, FetchSettings};
use strongroom_model::booking::Booking;
use strongroom_model::event::Fetched;
use strongroom_model::{ByteCount, Digest};
use strongroom_source::Source;
use strongroom_stage_rig::{StageRig, sample};

pub(crate) struct Rig(StageRig);

impl Deref for Rig {
    type Target = StageRig;

    fn deref(&self) -> &StageRig {
        &self.0
    }
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let retry = RetryPolicy { delays: vec![Duration::from_secs(60)], max_attempts: 3, ..RetryPolicy::default() };
        let rig = Self(StageRig { retry, ..StageRig::new().await });
        std::fs::create_dir(rig.root()).unwrap();
        Drive::init(&rig.root(), "first", rig.clock.now()).unwrap();
        rig
    }

    /// Where the drive is mounted.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("drive")
    }

    pub(crate) fn settings(&self) -> FetchSettings {
        FetchSettings {
            site: "acme".parse().unwrap(),
            root: self.root(),
            expect: None,
            reserve: ByteCount(0),
            concurrency: 4,
            batch: 64,
            zone: jiff::tz::TimeZone::UTC,
            bags: strongroom_drive::BagCache::default(),
        }
    }

    pub(crate) fn stage(&self, source: Source) -> Fetch {
        Fetch::new(self.settings(), source, self.clock.clone())
    }

    /// A booking that was taken, with `content` for its file.
    pub(crate) async fn enumerated(&self, id: &str, content: &[u8]) -> Task<Booking> {
        self.enumerated_as(id, &format!("{id}.pdf"), content.len() as u64, sample::sha256(content)).await
    }

    pub(crate) async fn enumerated_as(&self, id: &str, filename: &str, size: u64, digest: Digest) -> Task<Booking> {
        self.append(id, sample::enumerated(filename, size, digest)).await;
        self.task(id).await
    }

    /// Where a booking's file goes.
    pub(crate) fn place(&self, id: &str, file: &[u8]) -> Destination {
        Destination {
            site: "acme".parse().unwrap(),
            month: sample::month(),
            booking: id.parse().unwrap(),
            filename: format!("{id}.pdf"),
            expected: sample::sha256(file),
            size: ByteCount(file.len() as u64),
        }
    }

    pub(crate) async fn fetched(&self, id: &str) -> Fetched {
        let state = self.state(id).await;
        state.fetched.unwrap_or_else(|| panic!("{id} is not fetched: {:?}", state.failure))
    }

    /// What lies where the log says that the file lies.
    pub(crate) async fn on_drive(&self, id: &str) -> Vec<u8> {
        std::fs::read(self.root().join(self.fetched(id).await.path)).unwrap()
    }

    /// Every file on the drive that is not a file of ours by its final name.
    pub(crate) fn temporaries(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.root().join("acme")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else if entry.file_name().to_string_lossy().starts_with('.') {
                    found.push(entry.path());
                }
            }
        }
        found
    }
}
