//! Lists copies again that a damaged manifest had listed, after reading each back as for a proof.
//!
//! A month may take hours, so this runs beside the stage's work, a few files at a time. Progress is in the manifest,
//! and the rest follows from the quarantined manifest and the files: wherever we stop, the next start continues.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use strongroom_drive::{Drive, DriveError, DriveErrorKind, ProvenCopy, ReadBackResult, Unlisted};
use strongroom_eventlog::EventLog;
use strongroom_model::event::ReadBack;
use strongroom_model::text::with_causes;
use strongroom_model::{Algorithm, ByteCount, Month};
use strongroom_service::{blocking, kill_point};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::drive_check::DriveCheckError;
use crate::unknown::{Salvaged, UnknownFiles};

/// How long files are read before they are listed: a stop loses no more, and a large manifest is not rewritten for
/// every few files.
const STEP: Duration = Duration::from_secs(30);

/// Files per blocking call: between calls it can be stopped, and others read.
const READ_TOGETHER: usize = 8;

#[derive(Debug)]
pub(crate) struct Salvage {
    log: EventLog,
    drive: Drive,
    /// Only reads from the device count.
    device_only: bool,
    unknown: UnknownFiles,
    months: BTreeMap<Month, Vec<Unlisted>>,
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

    /// Runs until it is done or stopped.
    ///
    /// # Errors
    /// The drive or the log cannot be used: the next check of the drive does the rest.
    async fn run(self, stop: &CancellationToken) -> Result<(), DriveCheckError> {
        for (month, files) in &self.months {
            self.unknown.reading_back(*month, files).await?;
            if !self.month(*month, files, stop).await? {
                break;
            }
        }
        Ok(())
    }

    /// `false` if it was stopped.
    async fn month(&self, month: Month, files: &[Unlisted], stop: &CancellationToken) -> Result<bool, DriveCheckError> {
        let (listed, others): (Vec<_>, Vec<_>) = files.iter().cloned().partition(|file| !file.listed_as.is_empty());
        let mut salvaged = Salvaged { left: others.into_iter().map(|file| file.path).collect(), ..Salvaged::default() };
        let (mut proofs, mut since) = (Vec::new(), Instant::now());
        for (index, files) in listed.chunks(READ_TOGETHER).enumerate() {
            if stop.is_cancelled() {
                return Ok(false);
            }
            for (file, read) in files.iter().zip(self.read_back(files).await?) {
                match read {
                    Ok(read) if self.is_right(file, &read) => {
                        let (path, sha256) = (file.path.clone(), read.pair.sha256);
                        proofs.push(ProvenCopy { path, sha256, seen: Some(read.seen) });
                    }
                    // Moved meanwhile.
                    Err(DriveError { kind: DriveErrorKind::CopyMissing, .. }) => {}
                    _ => {
                        salvaged.refused += 1;
                        salvaged.left.push(file.path.clone());
                    }
                }
            }
            if since.elapsed() >= STEP {
                self.list(month, std::mem::take(&mut proofs), &mut salvaged).await?;
                tracing::info!(%month, done = index * READ_TOGETHER + files.len(), of = listed.len(),
                    "reading back what a damaged manifest lists");
                since = Instant::now();
            }
        }
        self.list(month, proofs, &mut salvaged).await?;
        if salvaged.listed > 0 {
            let (drive, site) = (self.drive.clone(), self.log.site().clone());
            blocking(move || drive.fold(&site)).await?;
        }
        kill_point!("verify.after-salvage");
        // If we stop here, the alarm stays, and the next start finds the rest, or nothing.
        salvaged.left.sort_unstable();
        self.unknown.settled(month, &salvaged).await?;
        Ok(true)
    }

    /// Whether a copy is what was listed, as strictly as for a proof.
    fn is_right(&self, file: &Unlisted, read: &ReadBackResult) -> bool {
        file.listed_as.contains(&read.pair.sha256) && !(self.device_only && read.method == ReadBack::Cached)
    }

    /// An unreadable file does not matter while the drive itself works.
    async fn read_back(&self, files: &[Unlisted]) -> Result<Vec<Result<ReadBackResult, DriveError>>, DriveError> {
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

    /// Lists copies in one durable step, if they are still in place.
    async fn list(&self, month: Month, proofs: Vec<ProvenCopy>, salvaged: &mut Salvaged) -> Result<(), DriveError> {
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
                Ok(()) => salvaged.listed += 1,
                Err(error) if error.obstacle().is_some() => return Err(error),
                // Listed or moved by another worker.
                Err(DriveError { kind: DriveErrorKind::Proven | DriveErrorKind::CopyMissing, .. }) => {}
                Err(_) => {
                    salvaged.refused += 1;
                    salvaged.left.push(path);
                }
            }
        }
        Ok(())
    }
}

/// Runs a [`Salvage`] beside the stage's work; stops it on drop.
#[derive(Debug, Default)]
pub(crate) struct Background {
    tasks: TaskTracker,
    stop: Mutex<CancellationToken>,
}

impl Background {
    /// Replaces an earlier one; `failed` runs if it cannot go on.
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

    pub(crate) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// After the files being read.
    pub(crate) fn stop(&self) {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop();
    }
}
