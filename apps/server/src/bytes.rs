//! Reading, writing and hashing bytes below the document root. All of this blocks.

use std::fs::File;
use std::io::{self, Read, Write as _};

use strongroom_files::{Call, Stat, at, each_chunk, faulted, sync};
use strongroom_model::{Algorithm, Digest, Hasher};
use strongroom_service::fault;

use crate::disk_error::{DiskError, Result};

pub(crate) fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> Result<()> {
    let read = faulted(|| fault!("server.read")).and_then(|()| at::read_exact_at(file, bytes, offset));
    read.map_err(DiskError::of(Call::Read))
}

pub(crate) fn write_whole(file: &mut File, bytes: &[u8]) -> Result<()> {
    let written = faulted(|| fault!("server.write")).and_then(|()| file.write_all(bytes));
    written.map_err(DiskError::of(Call::Write))
}

pub(crate) fn sync_file(file: &File) -> Result<()> {
    sync::sync_file(file).map_err(DiskError::of(Call::Sync))
}

pub(crate) fn digest_of(file: impl Read, algorithm: Algorithm) -> Result<(u64, Digest)> {
    let mut hasher = Hasher::new(algorithm);
    let read = each_chunk(file, || fault!("server.read"), |chunk| hasher.update(chunk));
    Ok((read.map_err(DiskError::of(Call::Read))?, hasher.finish()))
}

pub(crate) fn stat_of(file: &File) -> Result<Stat> {
    Stat::of(file).map_err(DiskError::of(Call::Read))
}

/// Copies what is read to a file. A failed write ends the reading.
pub(crate) struct Tee<'a, R> {
    pub(crate) from: R,
    pub(crate) to: &'a mut File,
    pub(crate) failed: Option<DiskError>,
}

impl<R: Read> Read for Tee<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        if let Err(error) = write_whole(self.to, &buffer[..count]) {
            self.failed = Some(error);
            return Ok(0);
        }
        Ok(count)
    }
}
