//! The file with everything that a plugin printed.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use strongroom_model::Digest;
use strongroom_model::digest::{Algorithm, Hasher};
use strongroom_service::private_files;

use super::kept::Kept;

/// The detail file: what the plugin printed, bounded, without secrets and printable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// Where it is.
    pub path: PathBuf,
    /// Its SHA-256.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Whether something in the middle of a stream was left out.
    pub is_truncated: bool,
}

/// Writes the file durably. If we stop before the rename, there is none under its name.
pub(super) fn write(path: &Path, head: &[String], stdout: &Kept, stderr: &Kept) -> io::Result<Detail> {
    let draft = path.with_extension("part");
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    strongroom_service::private_folders().create(folder)?;
    let file = private_files().write(true).create(true).truncate(true).open(&draft)?;
    let mut to = Hashed { to: io::BufWriter::new(file), hasher: Hasher::new(Algorithm::Sha256), size_bytes: 0 };
    for line in head {
        writeln!(to, "{line}")?;
    }
    section(&mut to, "standard output", stdout)?;
    section(&mut to, "standard error", stderr)?;
    to.to.flush()?;
    to.to.get_ref().sync_all()?;
    std::fs::rename(&draft, path)?;
    File::open(folder)?.sync_all()?;
    Ok(Detail {
        path: path.to_owned(),
        sha256: to.hasher.finish(),
        size_bytes: to.size_bytes,
        is_truncated: stdout.is_truncated() || stderr.is_truncated(),
    })
}

fn section(to: &mut impl Write, name: &str, kept: &Kept) -> io::Result<()> {
    writeln!(to, "\n== {name}")?;
    let parts = kept.parts();
    for (at, part) in parts.into_iter().enumerate() {
        if at == 1 && kept.is_truncated() {
            writeln!(to, "== {} bytes were left out here", kept.left_out_bytes())?;
        }
        to.write_all(part)?;
    }
    Ok(())
}

struct Hashed<W> {
    to: W,
    hasher: Hasher,
    size_bytes: u64,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let size = self.to.write(bytes)?;
        self.hasher.update(&bytes[..size]);
        self.size_bytes += size as u64;
        Ok(size)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
