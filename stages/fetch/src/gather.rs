//! Small files: downloaded to memory and written at once, with one change of threads per file instead of per chunk.

use strongroom_drive::{Destination, Drive, DriveError, Received};
use strongroom_model::ByteCount;
use strongroom_source::Source;

use crate::fate::FetchError;
use crate::meter::Meter;
use crate::transfer::Transfer;
use strongroom_service::blocking;

/// 128 MiB in all at the largest concurrency (256).
pub(crate) const MAX_GATHERED_BYTES: ByteCount = ByteCount(512 * 1024);

/// Downloads a small file to its temporary name.
pub(crate) async fn gather(
    source: &Source,
    drive: &Drive,
    meter: &Meter,
    transfer: &Transfer,
) -> Result<Received, FetchError> {
    let mut bytes = Vec::with_capacity(usize::try_from(transfer.place.size.0).unwrap_or(0));
    let result = download(source, meter, transfer, &mut bytes).await;
    let (drive, place) = (drive.clone(), transfer.place.clone());
    match result {
        Ok(()) => Ok(blocking(move || put(&drive, &place, &bytes)).await?),
        Err(error) => {
            if !bytes.is_empty() && !error.is_useless() {
                // For the next attempt; if this fails too, only time is lost.
                let _ = blocking(move || keep(&drive, &place, &bytes)).await;
            }
            Err(error)
        }
    }
}

async fn download(source: &Source, meter: &Meter, transfer: &Transfer, bytes: &mut Vec<u8>) -> Result<(), FetchError> {
    let Destination { booking, size, expected, .. } = &transfer.place;
    let mut download = source.download(booking, *size, expected, ByteCount(0)).await?;
    while let Some(chunk) = download.chunk().await? {
        meter.add(chunk.len());
        bytes.extend_from_slice(&chunk);
    }
    Ok(())
}

/// Leaves a complete and correct file as it is.
fn put(drive: &Drive, place: &Destination, bytes: &[u8]) -> Result<Received, DriveError> {
    let mut partial = drive.receive(place)?;
    if !partial.is_complete() {
        if partial.resumed_from().0 > 0 {
            partial.restart()?;
        }
        partial.write(bytes)?;
    }
    partial.finish()
}

/// Keeps the longer beginning.
fn keep(drive: &Drive, place: &Destination, beginning: &[u8]) -> Result<(), DriveError> {
    let mut partial = drive.receive(place)?;
    if partial.resumed_from().0 < beginning.len() as u64 {
        partial.restart()?;
        partial.write(beginning)?;
    }
    Ok(())
}
