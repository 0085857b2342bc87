//! A file piece by piece: from the network to a thread that writes, over a short channel.
//! However large the file, only a few pieces of it are in memory.

use bytes::Bytes;
use strongroom_drive::{Drive, DriveError, Place, Received};
use strongroom_model::ByteCount;
use strongroom_source::Source;
use tokio::sync::{mpsc, oneshot};

use crate::fate::Trouble;
use crate::meter::Meter;
use crate::wanted::Wanted;
use strongroom_service::blocking;

/// How many pieces wait for the drive at most: enough that neither side waits for the other
/// at each piece, few enough that a slow drive slows the download down at once.
const PIECES: usize = 8;

/// What the writing thread is told.
enum Piece {
    /// The server begins at the first byte: what was there is of no use.
    Restart,
    /// The next bytes.
    Bytes(Bytes),
    /// That was all.
    End,
    /// Nothing that came will be of use to a later attempt either.
    Useless,
}

/// Brings a file onto the drive, under its temporary name, from where an earlier transfer
/// stopped. Given up at any point, what came stays there for the next one.
pub(crate) async fn stream(
    source: &Source,
    drive: &Drive,
    meter: &Meter,
    wanted: &Wanted,
) -> Result<Received, Trouble> {
    let (opened, from) = oneshot::channel();
    let (pieces, queue) = mpsc::channel(PIECES);
    let (drive, place) = (drive.clone(), wanted.place.clone());
    let writer = blocking(move || write(&drive, &place, opened, queue));
    let reader = read(source, meter, wanted, from, pieces);
    let (written, read) = tokio::join!(writer, reader);
    // If both failed, the drive's error is the one that the other follows from.
    match (written?, read) {
        (Some(received), _) => Ok(received),
        (None, Err(error)) => Err(error.into()),
        (None, Ok(())) => unreachable!("the writer ends early only by an error, or when the reader did"),
    }
}

/// The network's side. It ends early, without an error, only where the writer is gone.
async fn read(
    source: &Source,
    meter: &Meter,
    wanted: &Wanted,
    from: oneshot::Receiver<ByteCount>,
    pieces: mpsc::Sender<Piece>,
) -> Result<(), strongroom_source::SourceError> {
    let Ok(from) = from.await else { return Ok(()) };
    let came = transfer(source, meter, wanted, from, &pieces).await;
    let last = match &came {
        Ok(()) => Some(Piece::End),
        Err(error) if crate::fate::is_useless(error) => Some(Piece::Useless),
        Err(_) => None,
    };
    if let Some(last) = last {
        let _ = pieces.send(last).await;
    }
    came
}

async fn transfer(
    source: &Source,
    meter: &Meter,
    wanted: &Wanted,
    from: ByteCount,
    pieces: &mpsc::Sender<Piece>,
) -> Result<(), strongroom_source::SourceError> {
    let mut download = source.download(&wanted.booking, wanted.size, &wanted.digest, from).await?;
    if download.starts_at() < from && pieces.send(Piece::Restart).await.is_err() {
        return Ok(());
    }
    while let Some(chunk) = download.chunk().await? {
        meter.add(chunk.len());
        if pieces.send(Piece::Bytes(chunk)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// The drive's side. `None`: the transfer was given up.
fn write(
    drive: &Drive,
    place: &Place,
    opened: oneshot::Sender<ByteCount>,
    mut queue: mpsc::Receiver<Piece>,
) -> Result<Option<Received>, DriveError> {
    let mut partial = drive.receive(place)?;
    if opened.send(partial.resumed_from()).is_err() {
        return Ok(None);
    }
    while let Some(piece) = queue.blocking_recv() {
        match piece {
            Piece::Restart => partial.restart()?,
            Piece::Bytes(bytes) => partial.write(&bytes)?,
            Piece::End => return partial.finish().map(Some),
            Piece::Useless => {
                partial.discard();
                return Ok(None);
            }
        }
    }
    Ok(None)
}
