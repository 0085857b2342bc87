//! Reading a file to its end.

use std::io::{self, Read};

use strongroom_service::Fault;

use crate::call::faulted;

/// How much is read at once, in bytes: enough for a disk's own read-ahead.
const CHUNK_BYTES: usize = 256 << 10;

/// Gives what is left to be read of a file, piece by piece: how many bytes that was. `fault` is asked before each read.
///
/// # Errors
/// The calls', or the fault that a test ordered.
pub fn each_chunk(
    mut file: impl Read,
    fault: impl Fn() -> Option<Fault>,
    mut see: impl FnMut(&[u8]),
) -> io::Result<u64> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut size = 0;
    loop {
        faulted(&fault)?;
        match file.read(&mut chunk) {
            Ok(0) => return Ok(size),
            Ok(count) => {
                see(&chunk[..count]);
                size += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_is_given_in_its_order() {
        let bytes: Vec<u8> = (0..CHUNK_BYTES + 7).map(|at| (at % 251) as u8).collect();
        let mut seen = Vec::new();
        let size = each_chunk(bytes.as_slice(), || None, |chunk| seen.extend_from_slice(chunk)).unwrap();
        assert_eq!((size, seen), (bytes.len() as u64, bytes));
    }
}
