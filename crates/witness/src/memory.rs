//! What a witness remembers of each log: the newest checkpoint that it cosigned. Everything here blocks.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use strongroom_files::within::{create_in, remove_in, replace_in};
use strongroom_files::{Beneath, Creation, Policy, sync};
use strongroom_model::{Algorithm, Digest};
use strongroom_proof::{LogHead, MAX_NOTE_BYTES, Note};

/// Only the witness reads it.
const MODE: u32 = 0o600;

#[derive(Debug)]
pub(crate) struct Memory {
    folder: PathBuf,
}

impl Memory {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The newest checkpoint of a log; `None`: none was ever cosigned.
    ///
    /// One that cannot be read is an error, and never counts as none: the witness would sign a log that was rewritten.
    pub(crate) fn newest(&self, origin: &str) -> io::Result<Option<(LogHead, Note)>> {
        let file = match self.root()?.file(PathBuf::from(name(origin))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut text = String::new();
        file.take(MAX_NOTE_BYTES as u64 + 1).read_to_string(&mut text)?;
        let note: Note = text.parse().map_err(io::Error::other)?;
        let head = LogHead::of(&note.text).filter(|head| head.origin == origin);
        let head = head.ok_or_else(|| io::Error::other("what is remembered is not a checkpoint of that log"))?;
        Ok(Some((head, note)))
    }

    /// Remembers a checkpoint in the place of the one before.
    ///
    /// If we stop before the rename, the one before stays, and nobody has got a cosignature of the new one; after it, the
    /// new one is there, whole, since it was synced before. Durable on return.
    pub(crate) fn remember(&self, origin: &str, checkpoint: &Note) -> io::Result<()> {
        self.put(&name(origin), checkpoint)
    }

    /// Keeps a checkpoint that contradicts what was cosigned: with the other it proves that the log was rewritten.
    pub(crate) fn keep_contradiction(&self, origin: &str, checkpoint: &Note) -> io::Result<()> {
        self.put(&format!("contradicts-{}", name(origin)), checkpoint)
    }

    fn put(&self, name: &str, checkpoint: &Note) -> io::Result<()> {
        let folder = self.root()?.folder("")?;
        let new = format!("{name}.new");
        remove_in(&folder, &new)?;
        let mut file = create_in(&folder, &new, Creation::New, MODE)?;
        file.write_all(checkpoint.to_string().as_bytes())?;
        sync::sync_file(&file)?;
        drop(file);
        replace_in(&folder, &new, name)?;
        sync::sync_folder(&folder)
    }

    fn root(&self) -> io::Result<Beneath> {
        Beneath::open(&self.folder, Policy { one_file_system: true, file_mode: MODE, folder_mode: 0o700 })
    }
}

/// An origin may have any characters.
fn name(origin: &str) -> String {
    format!("log-{}", Digest::of(Algorithm::Sha256, origin.as_bytes()).hex())
}
