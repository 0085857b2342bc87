//! A file in the making.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::sync::Arc;

use strongroom_files::cache::drop_cached;
use strongroom_files::within::stat_in;
use strongroom_files::{Refusal, Stat, faulted};
use strongroom_model::digest::PairHasher;
use strongroom_model::{ByteCount, Digest};
use strongroom_service::fault;

use crate::error::{Action, DriveError, Kind};
use crate::hashing::hash_rest;
use crate::mount::{Mount, Promise};
use crate::place::{BagPlace, Place, Spot};
use crate::received::Received;
use crate::seen::Seen;
use crate::temporary::{self, Temporary};

/// A file in the making. Dropped, it stays on the drive, and the next [`crate::Drive::receive`] of the
/// same content for the same booking goes on from there; an empty one is removed.
#[derive(Debug)]
pub struct Partial {
    mount: Arc<Mount>,
    spot: Spot,
    expected: Digest,
    size: ByteCount,
    /// `None`: the whole file is there already, under its final name.
    temporary: Option<Temporary>,
    /// Which file that is.
    stood: Option<Seen>,
    hasher: PairHasher,
    written: u64,
    resumed_from: ByteCount,
    promise: Promise,
    /// A write failed, so that nobody knows what is in the file.
    broken: bool,
}

impl Partial {
    pub(crate) fn open(mount: &Arc<Mount>, folder: String, place: &Place) -> Result<Self, DriveError> {
        let mut partial = Self::new(mount, folder, place);
        if !partial.adopt(None)? {
            partial.begin()?;
            partial.resume()?;
        }
        partial.resumed_from = ByteCount(partial.written);
        partial.promise = mount.promise(ByteCount(place.size.0.saturating_sub(partial.written)));
        Ok(partial)
    }

    /// The proven copy that stands there, if it is that file; `None` if it is not what it was proven to be.
    pub(crate) fn of_proven(
        mount: &Arc<Mount>,
        folder: String,
        place: &Place,
        sha256: &Digest,
    ) -> Result<Option<Self>, DriveError> {
        let mut partial = Self::new(mount, folder, place);
        let adopted = partial.adopt(Some(sha256))?;
        partial.resumed_from = ByteCount(partial.written);
        Ok(adopted.then_some(partial))
    }

    fn new(mount: &Arc<Mount>, folder: String, place: &Place) -> Self {
        let bag = BagPlace { site: place.site.clone(), month: place.month };
        let spot = Spot { bag, folder, filename: mount.name_for(&place.filename) };
        Self {
            mount: Arc::clone(mount),
            spot,
            expected: place.expected.clone(),
            size: place.size,
            temporary: None,
            stood: None,
            hasher: PairHasher::new(place.expected.algorithm()),
            written: 0,
            resumed_from: ByteCount(0),
            promise: mount.promise(ByteCount(0)),
            broken: false,
        }
    }

    /// How many bytes are there from an earlier transfer: the next one begins after them.
    #[must_use]
    pub const fn resumed_from(&self) -> ByteCount {
        self.resumed_from
    }

    /// Whether all the bytes that were announced are there, so that there is nothing to transfer.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.written == self.size.0
    }

    /// Where the file will lie, relative to the drive's root.
    #[must_use]
    pub fn path(&self) -> String {
        self.spot.path().as_str().to_owned()
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// More bytes came than were announced: none of them is written. Or the drive could not write
    /// them: then nothing more can be done with this file in the making but to drop it.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), DriveError> {
        let count = bytes.len() as u64;
        if count > self.size.0.saturating_sub(self.written) {
            return Err(Kind::TooLong(self.size).of(self.path()));
        }
        let Some(mut file) = self.file() else { return Ok(()) };
        let allowed = faulted(|| fault!("drive.write"));
        if let Err(error) = allowed.and_then(|()| file.write_all(bytes)) {
            self.broken = true;
            return Err(self.error(Action::Write, error));
        }
        self.hasher.update(bytes);
        self.written += count;
        self.promise.keep(count);
        Ok(())
    }

    /// Throws away what is there, for the transfer begins again from the first byte.
    ///
    /// # Errors
    /// The drive could not cut the file.
    pub fn restart(&mut self) -> Result<(), DriveError> {
        if self.temporary.is_none() {
            self.begin()?;
        }
        self.empty()?;
        self.resumed_from = ByteCount(0);
        self.promise = self.mount.promise(self.size);
        Ok(())
    }

    /// The file as far as it came, with its digests. Whether they are the right ones is for the
    /// caller to say; nothing is durable before [`crate::Drive::commit`].
    ///
    /// # Errors
    /// An earlier write failed.
    pub fn finish(self) -> Result<Received, DriveError> {
        if self.broken {
            return Err(self.error(Action::Write, Refusal::Device.into()));
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

    /// Removes what is there, for it is of no use to any later transfer.
    pub fn discard(mut self) {
        if let Some(temporary) = &mut self.temporary {
            temporary.discard();
        }
    }

    /// Whether the very content that is expected stands under the final name: an earlier process
    /// stopped between the rename and the event that would have told of it.
    ///
    /// `listed`: what the manifest says of it, where it does.
    fn adopt(&mut self, listed: Option<&Digest>) -> Result<bool, DriveError> {
        let file = match self.mount.top().file(self.spot.path()) {
            Ok(file) => file,
            // What else may stand there is dealt with at the rename.
            Err(_) => return Ok(false),
        };
        let stat = Stat::of(&file).map_err(|error| self.error(Action::Read, error))?;
        // What was not written to the device still looks well in memory: it is synced and read from there where it can
        // be had. Where the sync fails, nobody knows what is there.
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
        self.stood = Some(Seen::of(&stat));
        self.hasher = hasher;
        self.written = self.size.0;
        self.sweep_duplicate();
        Ok(true)
    }

    /// A temporary file of the content that has landed already is of no use any more.
    fn sweep_duplicate(&self) {
        let path = self.spot.folder_path();
        let name = temporary::part_name(&self.expected);
        let swept = self.mount.top().folder(&path).and_then(|folder| match stat_in(&folder, &name)? {
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

    /// Hashes what an earlier transfer left, so that the digest is of the bytes that are really there.
    /// They are read from the device where it can be had: a page that failed to be written still
    /// looks well in memory.
    fn resume(&mut self) -> Result<(), DriveError> {
        let Some(mut file) = self.file() else { return Ok(()) };
        let size = file.metadata().map_err(|error| self.error(Action::Read, error))?.len();
        if size == 0 {
            return Ok(());
        }
        let synced = self.mount.sync_file(file);
        if size > self.size.0 || synced.is_err() {
            return self.empty();
        }
        // Advice; if it is not taken, the read-back still proves the copy in the end.
        let _ = drop_cached(file);
        file.seek(SeekFrom::Start(0)).map_err(|error| self.error(Action::Read, error))?;
        let mut hasher = PairHasher::new(self.expected.algorithm());
        match hash_rest(file, &mut hasher) {
            // All is there, and it is not what it should be: a power cut leaves zeros, for one.
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
            file.set_len(0).map_err(|error| self.error(Action::Write, error))?;
            file.seek(SeekFrom::Start(0)).map_err(|error| self.error(Action::Write, error))?;
        }
        self.hasher = PairHasher::new(self.expected.algorithm());
        self.written = 0;
        self.broken = false;
        Ok(())
    }

    fn file(&self) -> Option<&File> {
        self.temporary.as_ref()?.file.as_deref()
    }

    fn error(&self, action: Action, source: std::io::Error) -> DriveError {
        self.mount.error(action, self.spot.path(), source)
    }
}
