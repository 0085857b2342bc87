//! Reading and writing at a place in a file, wherever its cursor is.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// Reads some bytes from there on: how many; none at the file's end. It is made again while a signal interrupts it.
///
/// # Errors
/// The call's.
pub fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    loop {
        match file.read_at(bytes, at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// Reads exactly so many bytes from there on.
///
/// # Errors
/// The call's; or the file ends before.
pub fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    file.read_exact_at(bytes, at)
}

/// Writes all of the bytes from there on.
///
/// # Errors
/// The call's; some of them may be written.
pub fn write_all_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    file.write_all_at(bytes, at)
}
