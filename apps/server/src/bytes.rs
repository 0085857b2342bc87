//! Reading, writing and hashing bytes below the document root. All of this blocks.

use std::fs::File;
use std::io::{self, Read, Write as _};

use strongroom_files::{Call, at, faulted, sync};
use strongroom_model::{Algorithm, Digest, Hasher};
use strongroom_service::fault;

use crate::disk_error::{DiskError, Result};

/// How much of a file is hashed at once.
const CHUNK_BYTES: usize = 256 << 10;

/// Reads some of what is left; 0 at the end.
pub(crate) fn read_some(file: &mut impl Read, chunk: &mut [u8]) -> Result<usize> {
    let read = faulted(|| fault!("server.read")).and_then(|()| uninterrupted(|| file.read(chunk)));
    read.map_err(DiskError::of(Call::Read))
}

/// Reads exactly so many bytes.
pub(crate) fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> Result<()> {
    let read = faulted(|| fault!("server.read")).and_then(|()| at::read_exact_at(file, bytes, offset));
    read.map_err(DiskError::of(Call::Read))
}

/// Writes all of it.
pub(crate) fn write_whole(file: &mut File, bytes: &[u8]) -> Result<()> {
    let written = faulted(|| fault!("server.write")).and_then(|()| file.write_all(bytes));
    written.map_err(DiskError::of(Call::Write))
}

/// Makes a file's bytes durable.
pub(crate) fn sync_file(file: &File) -> Result<()> {
    sync::sync_file(file).map_err(DiskError::of(Call::Sync))
}

/// The size and the digest of what is left to read.
pub(crate) fn digest_of(mut file: impl Read, algorithm: Algorithm) -> Result<(u64, Digest)> {
    let mut hasher = Hasher::new(algorithm);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut size_bytes = 0;
    loop {
        match read_some(&mut file, &mut chunk)? {
            0 => return Ok((size_bytes, hasher.finish())),
            count => {
                hasher.update(&chunk[..count]);
                size_bytes += count as u64;
            }
        }
    }
}

/// Makes a call of the standard library's again while a signal interrupts it.
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
