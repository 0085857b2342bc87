//! Receives a file: writes it under a temporary name and hashes it on the way.

use std::fs::File;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use strongroom_model::{Algorithm, ByteCount, Digest, Hasher};
use strongroom_service::kill_point;

use crate::bytes::{stat_of, sync_file, write_whole};
use crate::disk_error::{self, DiskError};
use crate::documents::Documents;
use crate::path::RelativePath;
use crate::root::DocumentRoot;
use crate::unchanged::Stamp;

/// How many bytes are gathered before they are written and hashed: each write is a hop to another thread.
const CHUNK_BYTES: usize = 256 << 10;

/// A temporary file. Dropping it deletes it, unless it has its final name by then.
#[derive(Debug)]
pub(crate) struct Temporary {
    root: DocumentRoot,
    pub(crate) path: RelativePath,
}

/// A whole file, durable under its temporary name.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) temporary: Temporary,
    pub(crate) size: ByteCount,
    pub(crate) digest: Digest,
    pub(crate) stamp: Option<Stamp>,
}

/// A file that was not received; nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiveError {
    #[error("it is larger than {0}, the most that this server takes")]
    TooLarge(ByteCount),
    #[error("it was cut short: {0}")]
    Cut(String),
    #[error("it could not be written: {0}")]
    Write(#[from] DiskError),
}

pub(crate) async fn receive<E: std::fmt::Display>(
    documents: &Documents,
    body: impl Stream<Item = Result<Bytes, E>>,
    most: ByteCount,
) -> Result<Received, ReceiveError> {
    let (temporary, mut file) = create(documents).await?;
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut gathered = BytesMut::with_capacity(CHUNK_BYTES);
    let mut size = ByteCount(0);
    let mut body = std::pin::pin!(body);
    loop {
        let frame = body.next().await.transpose().map_err(|error| ReceiveError::Cut(error.to_string()))?;
        let is_end = frame.is_none();
        let frame = frame.unwrap_or_default();
        size = size + ByteCount(frame.len() as u64);
        if size > most {
            return Err(ReceiveError::TooLarge(most));
        }
        gathered.extend_from_slice(&frame);
        if gathered.len() >= CHUNK_BYTES || is_end {
            let chunk = gathered.split().freeze();
            (file, hasher) = documents.on_files(move |_| write(file, hasher, &chunk, is_end)).await?;
        }
        if is_end {
            // If we stop here, then the next start deletes the temporary file: it was never acknowledged.
            kill_point!("server.after-receive");
            let stamp = Some(Stamp::of(&stat_of(&file)?));
            return Ok(Received { temporary, size, digest: hasher.finish(), stamp });
        }
    }
}

fn write(mut file: File, mut hasher: Hasher, chunk: &[u8], is_end: bool) -> disk_error::Result<(File, Hasher)> {
    write_whole(&mut file, chunk)?;
    hasher.update(chunk);
    if is_end {
        sync_file(&file)?;
    }
    Ok((file, hasher))
}

async fn create(documents: &Documents) -> disk_error::Result<(Temporary, File)> {
    let temporary = Temporary { root: documents.root().clone(), path: documents.session().temporary() };
    let path = temporary.path.clone();
    let file = documents.on_files(move |root| root.create_file(&path)).await?;
    Ok((temporary, file))
}

impl Temporary {
    /// Call it from a blocking thread.
    pub(crate) fn create(root: &DocumentRoot, path: RelativePath) -> disk_error::Result<(Self, File)> {
        let file = root.create_file(&path)?;
        Ok((Self { root: root.clone(), path }, file))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = self.root.remove_file(&self.path) {
            // The next start deletes it with its session's folder.
            tracing::debug!(path = %self.path, %error, "a temporary file stays until the next start");
        }
    }
}
