//! Large files: chunk by chunk from the network to a writing thread, over a short channel that bounds memory.

use bytes::Bytes;
use strongroom_drive::{Destination, Drive, DriveError, Received};
use strongroom_model::ByteCount;
use strongroom_source::Source;
use tokio::sync::{mpsc, oneshot};

use crate::fate::FetchError;
use crate::meter::Meter;
use crate::transfer::Transfer;
use strongroom_service::blocking;

/// Enough that neither side waits at each chunk, few enough that a slow drive slows the download at once.
const QUEUED_CHUNKS: usize = 8;

enum WriterMessage {
    /// The server begins at the first byte: drop what is there.
    Restart,
    Bytes(Bytes),
    End,
    /// The received bytes are useless for a later attempt.
    Useless,
}

/// Downloads a file to its temporary name, resuming an earlier transfer. Cancelled, the received bytes stay for the
/// next attempt.
pub(crate) async fn stream(
    source: &Source,
    drive: &Drive,
    meter: &Meter,
    transfer: &Transfer,
) -> Result<Received, FetchError> {
    let (opened, from) = oneshot::channel();
    let (chunks, queue) = mpsc::channel(QUEUED_CHUNKS);
    let (drive, place) = (drive.clone(), transfer.place.clone());
    let writer = blocking(move || write(&drive, &place, opened, queue));
    let reader = read(source, meter, transfer, from, chunks);
    let (written, read) = tokio::join!(writer, reader);
    // If both failed, the drive's error caused the other.
    match (written?, read) {
        (Some(received), _) => Ok(received),
        (None, Err(error)) => Err(error.into()),
        (None, Ok(())) => unreachable!("the writer ends early only by an error, or when the reader did"),
    }
}

/// Ends early without an error only if the writer has.
async fn read(
    source: &Source,
    meter: &Meter,
    transfer: &Transfer,
    from: oneshot::Receiver<ByteCount>,
    chunks: mpsc::Sender<WriterMessage>,
) -> Result<(), strongroom_source::SourceError> {
    let Ok(from) = from.await else { return Ok(()) };
    let result = send_chunks(source, meter, transfer, from, &chunks).await;
    let last = match &result {
        Ok(()) => Some(WriterMessage::End),
        Err(error) if crate::fate::is_useless(error) => Some(WriterMessage::Useless),
        Err(_) => None,
    };
    if let Some(last) = last {
        let _ = chunks.send(last).await;
    }
    result
}

async fn send_chunks(
    source: &Source,
    meter: &Meter,
    transfer: &Transfer,
    from: ByteCount,
    chunks: &mpsc::Sender<WriterMessage>,
) -> Result<(), strongroom_source::SourceError> {
    let Destination { booking, size, expected, .. } = &transfer.place;
    let mut download = source.download(booking, *size, expected, from).await?;
    if download.starts_at() < from && chunks.send(WriterMessage::Restart).await.is_err() {
        return Ok(());
    }
    while let Some(chunk) = download.chunk().await? {
        meter.add(chunk.len());
        if chunks.send(WriterMessage::Bytes(chunk)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// `None` if the transfer was cancelled.
fn write(
    drive: &Drive,
    place: &Destination,
    opened: oneshot::Sender<ByteCount>,
    mut queue: mpsc::Receiver<WriterMessage>,
) -> Result<Option<Received>, DriveError> {
    let mut partial = drive.receive(place)?;
    if opened.send(partial.resumed_from()).is_err() {
        return Ok(None);
    }
    while let Some(piece) = queue.blocking_recv() {
        match piece {
            WriterMessage::Restart => partial.restart()?,
            WriterMessage::Bytes(bytes) => partial.write(&bytes)?,
            WriterMessage::End => return partial.finish().map(Some),
            WriterMessage::Useless => {
                partial.discard();
                return Ok(None);
            }
        }
    }
    Ok(None)
}
