use std::io::{self, Read};

use strongroom_service::Fault;

use crate::call::faulted;

/// Enough for a disk's read-ahead.
const CHUNK_BYTES: usize = 256 << 10;

/// Passes a file's rest to `visit`, chunk by chunk, and returns its size.
pub fn each_chunk(
    mut file: impl Read,
    fault: impl Fn() -> Option<Fault>,
    mut visit: impl FnMut(&[u8]),
) -> io::Result<u64> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut size = 0;
    loop {
        faulted(&fault)?;
        match file.read(&mut chunk) {
            Ok(0) => return Ok(size),
            Ok(count) => {
                visit(&chunk[..count]);
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
