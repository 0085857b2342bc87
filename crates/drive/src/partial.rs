use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::sync::Arc;

use strongroom_files::cache::drop_cached;
use strongroom_files::within::stat_in;
use strongroom_files::{Refusal, Stat, Time, faulted};
use strongroom_model::digest::PairHasher;
use strongroom_model::{ByteCount, Digest};
use strongroom_service::fault;

use crate::error::{DriveError, DriveErrorKind, Operation};
use crate::hashing::hash_rest;
use crate::mount::{Mount, Promise};
use crate::place::{Destination, Spot};
use crate::received::Received;
use crate::seen::FileVersion;
use crate::temporary::{self, Temporary};

/// A file being received. Dropped, it stays for the next [`crate::Drive::receive`] of the same content and booking;
/// an empty one is removed.
#[derive(Debug)]
pub struct Partial {
    mount: Arc<Mount>,
    spot: Spot,
    expected: Digest,
    size: ByteCount,
    /// `None`: the complete file has its final name already.
    temporary: Option<Temporary>,
    stood: Option<FileVersion>,
    hasher: PairHasher,
    written: u64,
    resumed_from: ByteCount,
    promise: Promise,
    broken: bool,
}

impl Partial {
    pub(crate) fn open(mount: &Arc<Mount>, spot: Spot, place: &Destination) -> Result<Self, DriveError> {
        let mut partial = Self::new(mount, spot, &place.expected, place.size);
        if !partial.adopt(None)? {
            partial.begin()?;
            partial.resume()?;
        }
        partial.resumed_from = ByteCount(partial.written);
        partial.promise = mount.promise(ByteCount(place.size.0.saturating_sub(partial.written)));
        Ok(partial)
    }

    /// `None` if the copy there is not what was proven.
    pub(crate) fn of_proven(
        mount: &Arc<Mount>,
        spot: Spot,
        place: &Destination,
        sha256: &Digest,
    ) -> Result<Option<Self>, DriveError> {
        let mut partial = Self::new(mount, spot, &place.expected, place.size);
        let adopted = partial.adopt(Some(sha256))?;
        partial.resumed_from = ByteCount(partial.written);
        Ok(adopted.then_some(partial))
    }

    /// To stand in for what is at `spot`, whatever that is.
    pub(crate) fn replacing(
        mount: &Arc<Mount>,
        spot: Spot,
        sha256: &Digest,
        size: ByteCount,
    ) -> Result<Self, DriveError> {
        let mut partial = Self::new(mount, spot, sha256, size);
        partial.begin()?;
        partial.resume()?;
        partial.resumed_from = ByteCount(partial.written);
        partial.promise = mount.promise(ByteCount(size.0.saturating_sub(partial.written)));
        Ok(partial)
    }

    fn new(mount: &Arc<Mount>, spot: Spot, expected: &Digest, size: ByteCount) -> Self {
        Self {
            mount: Arc::clone(mount),
            spot,
            expected: expected.clone(),
            size,
            temporary: None,
            stood: None,
            hasher: PairHasher::new(expected.algorithm()),
            written: 0,
            resumed_from: ByteCount(0),
            promise: mount.promise(ByteCount(0)),
            broken: false,
        }
    }

    /// Bytes of an earlier transfer; the next one begins after them.
    pub const fn resumed_from(&self) -> ByteCount {
        self.resumed_from
    }

    /// Whether all announced bytes are there.
    pub const fn is_complete(&self) -> bool {
        self.written == self.size.0
    }

    /// Whether it has a temporary name, so that nothing else relies on it.
    pub(crate) const fn is_new(&self) -> bool {
        self.temporary.is_some()
    }

    /// Of what is there, by the algorithm of the expected digest.
    pub(crate) fn digest(&self) -> Digest {
        self.hasher.clone().finish().named
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// More bytes than announced: none is written. Or the write failed: then drop this file.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), DriveError> {
        let count = bytes.len() as u64;
        if count > self.size.0.saturating_sub(self.written) {
            return Err(DriveErrorKind::TooLong(self.size).of(self.spot.path()));
        }
        let Some(mut file) = self.file() else { return Ok(()) };
        let allowed = faulted(|| fault!("drive.write"));
        if let Err(error) = allowed.and_then(|()| file.write_all(bytes)) {
            self.broken = true;
            return Err(self.error(Operation::Write, error));
        }
        self.hasher.update(bytes);
        self.written += count;
        self.promise.keep(count);
        Ok(())
    }

    /// Its path once it has landed, relative to the drive's root.
    pub fn path(&self) -> String {
        self.spot.path().as_str().to_owned()
    }

    /// Sets when its bytes were last changed, as on the original. Best effort: it is no part of any proof. A file that
    /// has its final name already keeps its time.
    pub fn set_modified(&self, modified: Time) {
        if let Some(file) = self.file() {
            let _ = strongroom_files::rights::set_modified(file, modified);
        }
    }

    /// Discards its bytes: the transfer begins again.
    pub fn restart(&mut self) -> Result<(), DriveError> {
        if self.temporary.is_none() {
            self.begin()?;
        }
        self.empty()?;
        self.resumed_from = ByteCount(0);
        self.promise = self.mount.promise(self.size);
        Ok(())
    }

    /// Ends the transfer, complete or not; an error if a write failed. The caller compares the digests; nothing is
    /// durable before [`crate::Drive::commit`].
    pub fn finish(self) -> Result<Received, DriveError> {
        if self.broken {
            return Err(self.error(Operation::Write, Refusal::Device.into()));
        }
        Ok(Received {
            mount: self.mount,
            spot: self.spot,
            temporary: self.temporary,
            stood: self.stood,
            expected: self.expected,
            pair: self.hasher.finish(),
            size: ByteCount(self.written),
            resumed_from: self.resumed_from,
        })
    }

    /// Removes it: no later transfer can use it.
    pub fn discard(mut self) {
        if let Some(temporary) = &mut self.temporary {
            temporary.discard();
        }
    }

    /// Whether the expected content has the final name: an earlier process stopped between rename and event. `listed`
    /// is its digest in the manifest.
    fn adopt(&mut self, listed: Option<&Digest>) -> Result<bool, DriveError> {
        let file = match self.mount.top.file(self.spot.path()) {
            Ok(file) => file,
            // Anything else there is dealt with at the rename.
            Err(_) => return Ok(false),
        };
        let stat = Stat::of(&file).map_err(|error| self.error(Operation::Read, error))?;
        // Bytes that never reached the device look right in memory: sync, then read from the device. A failed sync
        // leaves them unknown.
        if stat.size != self.size.0 || self.mount.sync_file(&file).is_err() {
            return Ok(false);
        }
        let _ = drop_cached(&file);
        let mut hasher = PairHasher::new(self.expected.algorithm());
        let read = hash_rest(&file, &mut hasher);
        let pair = hasher.clone().finish();
        if read.is_err() || pair.named != self.expected || listed.is_some_and(|listed| pair.sha256 != *listed) {
            return Ok(false);
        }
        self.stood = Some(FileVersion::of(&stat));
        self.hasher = hasher;
        self.written = self.size.0;
        self.sweep_duplicate();
        Ok(true)
    }

    fn sweep_duplicate(&self) {
        let path = self.spot.folder_path();
        let name = temporary::part_name(&self.expected);
        let swept = self.mount.top.folder(&path).and_then(|folder| match stat_in(&folder, &name)? {
            Some(_) => temporary::sweep(&folder, &name),
            None => Ok(true),
        });
        if let Err(error) = swept {
            tracing::warn!(%path, %error, "a temporary file could not be removed");
        }
    }

    fn begin(&mut self) -> Result<(), DriveError> {
        self.temporary = Some(Temporary::hold(&self.mount, &self.spot, &self.expected)?);
        Ok(())
    }

    /// Hashes an earlier transfer's bytes, from the device where possible: a page whose write failed looks right in
    /// memory.
    fn resume(&mut self) -> Result<(), DriveError> {
        let Some(mut file) = self.file() else { return Ok(()) };
        let size = file.metadata().map_err(|error| self.error(Operation::Read, error))?.len();
        if size == 0 {
            return Ok(());
        }
        let synced = self.mount.sync_file(file);
        if size > self.size.0 || synced.is_err() {
            return self.empty();
        }
        // Only advice: the read-back proves the copy in the end.
        let _ = drop_cached(file);
        file.seek(SeekFrom::Start(0)).map_err(|error| self.error(Operation::Read, error))?;
        let mut hasher = PairHasher::new(self.expected.algorithm());
        match hash_rest(file, &mut hasher) {
            // Complete but wrong: a power cut leaves zeros, for one.
            Ok(read) if read == self.size.0 && hasher.clone().finish().named != self.expected => self.empty(),
            Ok(read) => {
                self.written = read;
                self.hasher = hasher;
                Ok(())
            }
            Err(error) => {
                tracing::warn!(path = %self.spot.path(), %error, "a partial file cannot be read, so it is written anew");
                self.empty()
            }
        }
    }

    fn empty(&mut self) -> Result<(), DriveError> {
        if let Some(mut file) = self.file() {
            file.set_len(0).map_err(|error| self.error(Operation::Write, error))?;
            file.seek(SeekFrom::Start(0)).map_err(|error| self.error(Operation::Write, error))?;
        }
        self.hasher = PairHasher::new(self.expected.algorithm());
        self.written = 0;
        self.broken = false;
        Ok(())
    }

    fn file(&self) -> Option<&File> {
        self.temporary.as_ref()?.file.as_deref()
    }

    fn error(&self, action: Operation, source: std::io::Error) -> DriveError {
        self.mount.error(action, self.spot.path(), source)
    }
}
