//! A file in the making, until it has landed.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::sync::Arc;

use rustix::io::Errno;
use strongroom_model::digest::{DigestPair, PairHasher};
use strongroom_model::event::SyncMethod;
use strongroom_model::{ByteCount, Digest, Month};
use strongroom_service::fault;

use crate::bag::{self, hash_rest};
use crate::beneath::{Relative, stat_in};
use crate::error::{Action, DriveError};
use crate::mount::{Mount, Promise};
use crate::name;
use crate::place::{BagPlace, Place};
use crate::temporary::{self, Held};

/// How often a folder is opened again where it was tidied away meanwhile.
const MAX_OPEN_ATTEMPTS: u32 = 16;

/// Where a file will lie: its bag, its booking's folder there, and its name.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    pub(crate) bag: BagPlace,
    pub(crate) folder: String,
    pub(crate) filename: String,
}

impl Spot {
    pub(crate) fn folder_path(&self) -> Relative {
        self.bag.data().join(&self.folder)
    }

    pub(crate) fn path(&self) -> Relative {
        self.folder_path().join(&self.filename)
    }
}

/// A temporary file that is ours alone. Dropped, it stays for the transfer to go on from there,
/// unless it is empty.
#[derive(Debug)]
pub(crate) struct Temporary {
    mount: Arc<Mount>,
    spot: Spot,
    pub(crate) name: String,
    pub(crate) file: Option<File>,
}

impl Temporary {
    fn hold(mount: &Arc<Mount>, spot: &Spot, expected: &Digest) -> Result<Self, DriveError> {
        let name = temporary::part_name(expected);
        let path = spot.folder_path();
        for _ in 0..MAX_OPEN_ATTEMPTS {
            let folder = mount.make_own_folder(&path)?;
            match temporary::hold(&folder, &name) {
                Ok(Held::Ours(file)) => {
                    return Ok(Self { mount: Arc::clone(mount), spot: spot.clone(), name, file: Some(file) });
                }
                Ok(Held::Busy) => return Err(DriveError::Busy { path: spot.path().to_string() }),
                // The folder was empty, and tidied away between our two calls.
                Err(error) if error.raw_os_error() == Some(Errno::NOENT.raw_os_error()) => {}
                Err(error) => return Err(mount.error(Action::Open, path.join(&name), error)),
            }
        }
        Err(mount.error(Action::Open, &path, Errno::NOENT))
    }

    /// Removes it, and its folder if that is empty. Best effort: what stays is swept at the next start.
    pub(crate) fn discard(&mut self) {
        if self.file.is_none() {
            return;
        }
        let path = self.spot.folder_path();
        let removed = self.mount.top().folder(&path).and_then(|folder| temporary::remove(folder, &self.name));
        if let Err(error) = removed {
            tracing::warn!(path = %path.join(&self.name), %error, "a temporary file could not be removed");
        }
        self.file = None;
        bag::lock(&self.mount.bags.get(&self.spot.bag)).tidy(&self.mount, &self.spot.folder);
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let empty = self.file.as_ref().is_some_and(|file| file.metadata().is_ok_and(|data| data.len() == 0));
        if empty {
            self.discard();
        }
    }
}

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
    hasher: PairHasher,
    written: u64,
    resumed_from: ByteCount,
    promise: Promise,
    /// A write failed, so that nobody knows what is in the file.
    broken: bool,
}

impl Partial {
    pub(crate) fn open(mount: &Arc<Mount>, folder: String, place: &Place) -> Result<Self, DriveError> {
        let bag = BagPlace { site: place.site.clone(), month: place.month };
        let spot = Spot { bag, folder, filename: name::escape(&place.filename) };
        let mut partial = Self {
            mount: Arc::clone(mount),
            spot,
            expected: place.expected.clone(),
            size: place.size,
            temporary: None,
            hasher: PairHasher::new(place.expected.algorithm()),
            written: 0,
            resumed_from: ByteCount(0),
            promise: mount.promise(ByteCount(0)),
            broken: false,
        };
        if !partial.adopt()? {
            partial.begin()?;
            partial.resume()?;
        }
        partial.resumed_from = ByteCount(partial.written);
        partial.promise = mount.promise(ByteCount(place.size.0.saturating_sub(partial.written)));
        Ok(partial)
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
            return Err(DriveError::TooLong { path: self.path(), size: self.size });
        }
        let Some(mut file) = self.file() else { return Ok(()) };
        let fault = match fault!("drive.write") {
            Some(fault) => fault.fail(),
            None => Ok(()),
        };
        if let Err(error) = fault.and_then(|()| file.write_all(bytes)) {
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
            return Err(self.error(Action::Write, Errno::IO.into()));
        }
        Ok(Received {
            mount: self.mount,
            spot: self.spot,
            temporary: self.temporary,
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
    fn adopt(&mut self) -> Result<bool, DriveError> {
        let file = match self.mount.top().file(&self.spot.path()) {
            Ok(file) => File::from(file),
            // What else may stand there is dealt with at the rename.
            Err(_) => return Ok(false),
        };
        if file.metadata().map_err(|error| self.error(Action::Read, error))?.len() != self.size.0 {
            return Ok(false);
        }
        let mut hasher = PairHasher::new(self.expected.algorithm());
        if hash_rest(&file, &mut hasher).is_err() || hasher.clone().finish().named != self.expected {
            return Ok(false);
        }
        self.hasher = hasher;
        self.written = self.size.0;
        self.sweep_twin();
        Ok(true)
    }

    /// A temporary file of the content that has landed already is of no use any more.
    fn sweep_twin(&self) {
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
        let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
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
        self.temporary.as_ref()?.file.as_ref()
    }

    fn error(&self, action: Action, source: std::io::Error) -> DriveError {
        self.mount.error(action, self.spot.path(), source)
    }
}

/// A file that has come, under its temporary name, not yet durable. Dropped, it stays for a later
/// [`crate::Drive::receive`] to find.
#[derive(Debug)]
pub struct Received {
    pub(crate) mount: Arc<Mount>,
    pub(crate) spot: Spot,
    pub(crate) temporary: Option<Temporary>,
    pub(crate) pair: DigestPair,
    pub(crate) size: ByteCount,
    pub(crate) resumed_from: ByteCount,
}

impl Received {
    /// The digests of what came.
    #[must_use]
    pub const fn pair(&self) -> &DigestPair {
        &self.pair
    }

    /// How many bytes there are.
    #[must_use]
    pub const fn size(&self) -> ByteCount {
        self.size
    }

    /// How many of them were there from an earlier transfer.
    #[must_use]
    pub const fn resumed_from(&self) -> ByteCount {
        self.resumed_from
    }

    /// Where the file will lie, relative to the drive's root.
    #[must_use]
    pub fn path(&self) -> String {
        self.spot.path().as_str().to_owned()
    }

    /// Removes it, for it is not what was expected.
    pub fn discard(mut self) {
        self.drop_temporary();
    }

    pub(crate) fn drop_temporary(&mut self) {
        if let Some(temporary) = &mut self.temporary {
            temporary.discard();
        }
    }
}

/// A file that is durably on the drive, under its final name, not yet proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed {
    /// Where it lies, relative to the drive's root, with `/` between parts.
    pub path: String,
    /// The month's bag that it lies in.
    pub month: Month,
    /// The digests of what came.
    pub pair: DigestPair,
    /// How many bytes it has.
    pub size: ByteCount,
    /// How many of them were there from an earlier transfer.
    pub resumed_from: ByteCount,
    /// How it was made durable.
    pub sync: SyncMethod,
    /// Whether it stood there already, from a process that stopped before it could say so.
    pub adopted: bool,
}
