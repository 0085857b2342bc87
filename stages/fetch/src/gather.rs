//! A small file: gathered in memory, then written in one go. That is one change of threads
//! for each file instead of one for each piece.

use strongroom_drive::{Drive, DriveError, Place, Received};
use strongroom_model::ByteCount;
use strongroom_source::Source;

use crate::fate::Trouble;
use crate::meter::Meter;
use crate::wanted::Wanted;
use strongroom_service::blocking;

/// The largest file that is gathered in memory: with as many at once as an operator may
/// configure (256), that is 128 MiB.
pub(crate) const MAX_GATHERED_BYTES: ByteCount = ByteCount(512 * 1024);

/// Brings a small file onto the drive, under its temporary name.
pub(crate) async fn gather(
    source: &Source,
    drive: &Drive,
    meter: &Meter,
    wanted: &Wanted,
) -> Result<Received, Trouble> {
    let mut whole = Vec::with_capacity(usize::try_from(wanted.size.0).unwrap_or(0));
    let came = download(source, meter, wanted, &mut whole).await;
    let (drive, place) = (drive.clone(), wanted.place.clone());
    match came {
        Ok(()) => Ok(blocking(move || put(&drive, &place, &whole)).await?),
        Err(trouble) => {
            if !whole.is_empty() && !trouble.is_useless() {
                // What came is kept for the next attempt; if that fails as well, nothing is
                // lost but time.
                let _ = blocking(move || keep(&drive, &place, &whole)).await;
            }
            Err(trouble)
        }
    }
}

async fn download(source: &Source, meter: &Meter, wanted: &Wanted, whole: &mut Vec<u8>) -> Result<(), Trouble> {
    let mut download = source.download(&wanted.booking, wanted.size, &wanted.digest, ByteCount(0)).await?;
    while let Some(chunk) = download.chunk().await? {
        meter.add(chunk.len());
        whole.extend_from_slice(&chunk);
    }
    Ok(())
}

/// Writes the whole file; one that is on the drive already, and right, is left as it is.
fn put(drive: &Drive, place: &Place, whole: &[u8]) -> Result<Received, DriveError> {
    let mut partial = drive.receive(place)?;
    if !partial.is_complete() {
        if partial.resumed_from().0 > 0 {
            partial.restart()?;
        }
        partial.write(whole)?;
    }
    partial.finish()
}

/// Leaves a beginning on the drive, unless there is a longer one.
fn keep(drive: &Drive, place: &Place, beginning: &[u8]) -> Result<(), DriveError> {
    let mut partial = drive.receive(place)?;
    if partial.resumed_from().0 < beginning.len() as u64 {
        partial.restart()?;
        partial.write(beginning)?;
    }
    Ok(())
}
