//! Listing copies again that a manifest listed before it was damaged: each is read back first, as when it was proven.
//!
//! A month may take hours, so this goes on beside the stage's own work, a few files at a time. What is done stands in the
//! manifest, and what is left to do follows from the kept manifest and the files: whenever we stop, the next start goes on
//! from there.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use strongroom_drive::{Drive, DriveError, DriveErrorKind, Proof, ReadBackOf, Unlisted};
use strongroom_eventlog::EventLog;
use strongroom_model::event::ReadBack;
use strongroom_model::text::with_causes;
use strongroom_model::{Algorithm, ByteCount, Month};
use strongroom_service::{blocking, kill_point};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::begin::BeginError;
use crate::unknown::{Salvaged, UnknownFiles};

/// For how long files are read before they are listed: a stop costs no more than that, and a large manifest is not
/// written anew for every few files.
const STEP: Duration = Duration::from_secs(30);

/// How many files one blocking call reads back: between two calls it can be stopped, and others read.
const READ_TOGETHER: usize = 8;

/// A drive's files that are to be read back.
#[derive(Debug)]
pub(crate) struct Salvage {
    log: EventLog,
    drive: Drive,
    /// Whether only what was read from the device counts.
    device_only: bool,
    unknown: UnknownFiles,
    months: BTreeMap<Month, Vec<Unlisted>>,
}

/// Whether a month was gone through.
#[derive(Debug, PartialEq, Eq)]
enum Gone {
    Through,
    Stopped,
}

impl Salvage {
    pub(crate) fn new(
        log: &EventLog,
        drive: &Drive,
        device_only: bool,
        unknown: UnknownFiles,
        months: BTreeMap<Month, Vec<Unlisted>>,
    ) -> Self {
        Self { log: log.clone(), drive: drive.clone(), device_only, unknown, months }
    }

    /// Goes through all of them, until it is stopped.
    ///
    /// # Errors
    /// The drive or the log cannot be used: the rest is for when the drive is looked through the next time.
    async fn run(self, stop: &CancellationToken) -> Result<(), BeginError> {
        for (month, files) in &self.months {
            self.unknown.reading_back(*month, files).await?;
            if self.month(*month, files, stop).await? == Gone::Stopped {
                break;
            }
        }
        Ok(())
    }

    async fn month(&self, month: Month, files: &[Unlisted], stop: &CancellationToken) -> Result<Gone, BeginError> {
        let (listed, others): (Vec<_>, Vec<_>) = files.iter().cloned().partition(|file| !file.listed_as.is_empty());
        let mut found = Salvaged { left: others.into_iter().map(|file| file.path).collect(), ..Salvaged::default() };
        let (mut proofs, mut since) = (Vec::new(), Instant::now());
        for (index, files) in listed.chunks(READ_TOGETHER).enumerate() {
            if stop.is_cancelled() {
                return Ok(Gone::Stopped);
            }
            for (file, read) in files.iter().zip(self.read_back(files).await?) {
                match read {
                    Ok(read) if self.is_right(file, &read) => {
                        let (path, sha256) = (file.path.clone(), read.pair.sha256);
                        proofs.push(Proof { path, sha256, seen: Some(read.seen) });
                    }
                    // Somebody moved it while we looked.
                    Err(DriveError { kind: DriveErrorKind::CopyMissing, .. }) => {}
                    _ => {
                        found.refused += 1;
                        found.left.push(file.path.clone());
                    }
                }
            }
            if since.elapsed() >= STEP {
                self.list(month, std::mem::take(&mut proofs), &mut found).await?;
                tracing::info!(%month, done = index * READ_TOGETHER + files.len(), of = listed.len(),
                    "reading back what a damaged manifest lists");
                since = Instant::now();
            }
        }
        self.list(month, proofs, &mut found).await?;
        if found.listed > 0 {
            let (drive, site) = (self.drive.clone(), self.log.site().clone());
            blocking(move || drive.fold(&site)).await?;
        }
        kill_point!("verify.after-salvage");
        // If we stop here, the alarm stays as it was, and the next start finds what is left, or nothing.
        found.left.sort_unstable();
        self.unknown.settled(month, &found).await?;
        Ok(Gone::Through)
    }

    /// Whether a copy was read back as a kept manifest lists it, as well as a copy must be to be proven.
    fn is_right(&self, file: &Unlisted, read: &ReadBackOf) -> bool {
        file.listed_as.contains(&read.pair.sha256) && !(self.device_only && read.method == ReadBack::Cached)
    }

    /// Reads files back. One that cannot be is that file's trouble, as long as the drive itself can be used.
    async fn read_back(&self, files: &[Unlisted]) -> Result<Vec<Result<ReadBackOf, DriveError>>, DriveError> {
        let (drive, files) = (self.drive.clone(), files.to_vec());
        blocking(move || {
            let named: Vec<_> = files.iter().map(|file| (file.path.as_str(), Algorithm::Sha256)).collect();
            let read = drive.read_back_many(&named);
            if read.iter().any(|read| read.as_ref().is_err_and(|error| error.obstacle().is_some())) {
                drive.check(ByteCount(0))?;
            }
            Ok(read)
        })
        .await
    }

    /// Lists what was read back, durably and in one step, while it stands where it was read.
    async fn list(&self, month: Month, proofs: Vec<Proof>, found: &mut Salvaged) -> Result<(), DriveError> {
        if proofs.is_empty() {
            return Ok(());
        }
        let (drive, site) = (self.drive.clone(), self.log.site().clone());
        let answers = blocking(move || {
            let answers = drive.record(&site, month, &proofs);
            proofs.into_iter().map(|proof| proof.path).zip(answers).collect::<Vec<_>>()
        })
        .await;
        for (path, answer) in answers {
            match answer {
                Ok(()) => found.listed += 1,
                Err(error) if error.obstacle().is_some() => return Err(error),
                // Listed or moved by somebody else.
                Err(DriveError { kind: DriveErrorKind::Proven | DriveErrorKind::CopyMissing, .. }) => {}
                Err(_) => {
                    found.refused += 1;
                    found.left.push(path);
                }
            }
        }
        Ok(())
    }
}

/// The reading back that goes on beside a stage's work. Dropped, it stops.
#[derive(Debug, Default)]
pub(crate) struct Background {
    tasks: TaskTracker,
    stop: Mutex<CancellationToken>,
}

impl Background {
    /// Starts it, in the place of an earlier one; `failed` is called if it cannot go on.
    pub(crate) fn start(&self, salvage: Salvage, failed: impl Future<Output = ()> + Send + 'static) {
        let stop = CancellationToken::new();
        let earlier = std::mem::replace(&mut *self.stop.lock().unwrap_or_else(PoisonError::into_inner), stop.clone());
        earlier.cancel();
        self.tasks.spawn(async move {
            if let Err(error) = salvage.run(&stop).await {
                tracing::warn!(
                    error = %with_causes(&error),
                    "what a damaged manifest lists was not read back"
                );
                failed.await;
            }
        });
    }

    /// Waits until nothing is being read back.
    pub(crate) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Stops it, after the files that are being read.
    pub(crate) fn stop(&self) {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop();
    }
}
