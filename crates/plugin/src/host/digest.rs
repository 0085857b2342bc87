//! The digest by which a plugin is accepted.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use strongroom_model::Digest;
use strongroom_model::digest::{Algorithm, Hasher};

use super::environment::Environment;
use super::launch::program;
use super::obstacle::Obstacle;

/// A larger file is no program: reading it would hold up the job.
const MAX_FILE_BYTES: u64 = 2 << 30;
const CHUNK_BYTES: usize = 64 * 1024;

/// The SHA-256 of a plugin's program, and of each further argument that is the absolute path of a file, such as a
/// script: of one file its own, of several that of the lines which `sha256sum FILE…` prints.
///
/// It does not cover what these files load: an interpreter's modules, libraries, the tool that a plugin runs.
pub fn digest_of(argv: &[OsString], environment: &Environment) -> Result<Digest, Obstacle> {
    let mut files = vec![program(argv, environment)?];
    let named = argv.iter().skip(1).map(PathBuf::from).filter(|path| path.is_absolute() && path.is_file());
    files.extend(named);
    let mut lines = Vec::new();
    let mut only = None;
    for file in &files {
        let digest = digest_of_file(file).map_err(|error| Obstacle::Unreadable(file.clone(), error))?;
        lines.extend_from_slice(format!("{}  {}\n", digest.hex(), file.display()).as_bytes());
        only = Some(digest);
    }
    Ok(only.filter(|_| files.len() == 1).unwrap_or_else(|| Digest::of(Algorithm::Sha256, &lines)))
}

fn digest_of_file(path: &Path) -> io::Result<Digest> {
    let mut file = File::open(path)?.take(MAX_FILE_BYTES + 1);
    let (mut hasher, mut chunk, mut total) = (Hasher::new(Algorithm::Sha256), vec![0; CHUNK_BYTES], 0);
    loop {
        let size = file.read(&mut chunk)?;
        if size == 0 {
            return Ok(hasher.finish());
        }
        total += size as u64;
        if total > MAX_FILE_BYTES {
            return Err(io::Error::other("it is larger than 2 GiB"));
        }
        hasher.update(&chunk[..size]);
    }
}
