//! The file with everything that a plugin printed.

use std::fs::File;
use std::io::{self, BufRead as _, Write};
use std::path::{Path, PathBuf};

use strongroom_model::Digest;
use strongroom_model::digest::{Algorithm, Hasher};
use strongroom_service::private_files;

use super::kept::Kept;

/// How the line ends that stands for what was left out.
const LEFT_OUT: &[u8] = b" bytes were left out here\n";

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

/// Describes a file that was written before; `None`: it is not there.
///
/// # Errors
/// It cannot be read.
pub fn detail_of(path: &Path) -> io::Result<Option<Detail>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let (mut size_bytes, mut is_truncated) = (0, false);
    let mut lines = io::BufReader::new(file);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        hasher.update(&line);
        size_bytes += line.len() as u64;
        is_truncated |= line.starts_with(b"== ") && line.ends_with(LEFT_OUT);
        line.clear();
    }
    Ok(Some(Detail { path: path.to_owned(), sha256: hasher.finish(), size_bytes, is_truncated }))
}

fn section(to: &mut impl Write, name: &str, kept: &Kept) -> io::Result<()> {
    writeln!(to, "\n== {name}")?;
    let parts = kept.parts();
    for (at, part) in parts.into_iter().enumerate() {
        if at == 1 && kept.is_truncated() {
            write!(to, "== {}", kept.left_out_bytes())?;
            to.write_all(LEFT_OUT)?;
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
