//! Giving files back: to a folder, to a scratch folder as a drill, or to the server's archive. The drive is only read.
//!
//! If we stop before a slice is recorded, its files are there already the next time: they are compared, not written again.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::stream;
use strongroom_audit::{Holding, copies_of, holdings, known_drives};
use strongroom_bus::Done;
use strongroom_drive::{
    Drive, DriveError, LoggedCopy, ProvenRead, RestoreFileError, RestoreFolder, RestoreOutcome, name, restored_name,
};
use strongroom_model::booking::{Booking, Phase};
use strongroom_model::event::{CopyRestored, MountedDrive, RestoreTo, Restored, Selection};
use strongroom_model::fold::fold;
use strongroom_model::text::printable;
use strongroom_model::wire::AnswerOutcome;
use strongroom_model::{BookingId, DriveId, Event, StreamName};
use strongroom_service::{blocking, kill_point};
use strongroom_source::Source;
use tokio::sync::mpsc;

use crate::chosen::chosen;
use crate::journal::Journal;
use crate::read::{self, Seen};
use crate::slice::{BYTES, FILES, Slice, SliceError};
use crate::stage::{Custodian, Request};
use crate::verify::damaged_alarm;

/// Chunks of at most 1 MiB between the drive and the server.
const CHUNKS: usize = 8;
const TO_SERVER: &str = "the document server's archive";

/// What became of one file.
enum Given {
    /// Where it is.
    Written(String),
    /// It was there.
    Already(String),
    /// The document server has it, at that path of its own if it said so; or had it before.
    OnServer {
        path: Option<String>,
        is_new: bool,
    },
    /// The copy on the drive is not what was proven.
    SourceDiffers,
    Failed(String),
}

impl Custodian {
    pub(crate) async fn restore(
        &self,
        request: Request<'_>,
        mut slice: Slice<'_>,
        mounted: &MountedDrive,
        to: &RestoreTo,
        which: &Selection,
    ) -> Result<Done, SliceError> {
        let until = slice.requested.until;
        if slice.from >= until {
            if *to == RestoreTo::Scratch {
                let scratch = self.scratch(request);
                blocking(move || remove(&scratch)).await;
            }
            return Ok(slice.finished());
        }
        let page = holdings(&self.log, mounted.drive, slice.from, until, FILES, BYTES).await?;
        let copies = self.current(mounted, chosen(&self.log, mounted.drive, which, page.found).await?).await?;
        if copies.is_empty() {
            return Ok(slice.advanced(page.next));
        }
        let (drives, owned) = (self.drives.clone(), mounted.clone());
        let drive = blocking(move || drives.to_read(&owned)).await?;
        let given = match to {
            RestoreTo::Folder { path } => to_folder(&drive, PathBuf::from(path), &copies).await?,
            RestoreTo::Scratch => {
                let scratch = self.scratch(request);
                std::fs::create_dir_all(&scratch).map_err(|error| {
                    SliceError::other(format!("cannot make the scratch folder {}: {error}", scratch.display()))
                })?;
                to_folder(&drive, scratch, &copies).await?
            }
            RestoreTo::Server => {
                let Some(source) = &self.source else {
                    return Err(SliceError::other(
                        "this host has no access to the document server: set source.url and its token",
                    ));
                };
                to_server(&drive, source, &copies).await
            }
        };
        kill_point!("custody.restored");
        self.record_restored(request, &mut slice, mounted, &drive, copies, given).await?;
        Ok(slice.advanced(page.next))
    }

    /// Of each booking only the content that was proven last: an earlier one was replaced on purpose.
    async fn current(&self, mounted: &MountedDrive, found: Vec<Holding>) -> Result<Vec<Holding>, SliceError> {
        let known = known_drives(&self.log).await?;
        let ids: Vec<BookingId> = found.iter().map(|one| one.booking.clone()).collect();
        let copies = copies_of(&self.log, &known, &ids).await?;
        let is_current = |one: &Holding| {
            let Some(booking) = copies.get(&one.booking) else { return true };
            let here = booking.copies.iter().find(|copy| copy.drive == mounted.drive);
            booking.sha256.as_ref() == Some(&one.sha256) && here.is_none_or(|copy| copy.path == one.path)
        };
        Ok(found.into_iter().filter(is_current).collect())
    }

    async fn record_restored(
        &self,
        request: Request<'_>,
        slice: &mut Slice<'_>,
        mounted: &MountedDrive,
        drive: &Drive,
        copies: Vec<Holding>,
        given: Vec<Given>,
    ) -> Result<(), SliceError> {
        let of_bookings = copies.iter().map(|one| StreamName::booking(&one.booking));
        let streams: Vec<StreamName> = copies.iter().map(|one| one.stream(mounted.drive)).chain(of_bookings).collect();
        let mut journal = Journal::open(&self.log, &streams, self.clock.now(), &self.actor, request.trigger).await?;
        // After the journal: what changes in between makes the append fail, and the slice is done again.
        let phases = self.phases(&copies).await?;
        let mut is_damaged = false;
        for (copy, given) in copies.iter().zip(given) {
            slice.tally.bytes = slice.tally.bytes + copy.size;
            let to = match given {
                Given::Written(to) => {
                    slice.tally.written += 1;
                    to
                }
                Given::Already(to) => {
                    slice.tally.skipped += 1;
                    to
                }
                Given::OnServer { path, is_new } => {
                    slice.tally.written += u64::from(is_new);
                    slice.tally.skipped += u64::from(!is_new);
                    let told = path.and_then(|path| put_back(mounted.drive, &path, is_new, phases.get(&copy.booking)));
                    if let Some(event) = told {
                        journal.add(StreamName::booking(&copy.booking), event);
                    }
                    TO_SERVER.to_owned()
                }
                Given::SourceDiffers => {
                    let (owned, one) = (drive.clone(), copy.clone());
                    let seen = blocking(move || read::read(&owned, std::slice::from_ref(&one))).await?.remove(0);
                    match &seen {
                        Seen::Damaged(_) => {
                            slice.tally.damaged += 1;
                            is_damaged = true;
                            slice
                                .remark(&format!("{} is damaged, and was not restored: name another drive", copy.path));
                        }
                        Seen::AsProven(_) => {
                            slice.tally.faults += 1;
                            slice.remark(&format!(
                                "{} could be read only the second time: restore it once more",
                                copy.path
                            ));
                        }
                    }
                    journal.add(copy.stream(mounted.drive), read::event(mounted.drive, request.id, copy, &seen));
                    continue;
                }
                Given::Failed(why) => {
                    slice.tally.faults += 1;
                    slice.remark(&format!("{} was not restored: {why}", copy.path));
                    continue;
                }
            };
            let restored = CopyRestored {
                booking: copy.booking.clone(),
                drive: mounted.drive,
                path: copy.path.clone(),
                request: request.id,
                sha256: copy.sha256.clone(),
                to: printable(&to, 1000),
            };
            journal.add(copy.stream(mounted.drive), Event::CopyRestored(restored));
        }
        if is_damaged {
            let known = known_drives(&self.log).await?;
            slice.done.raise.push(damaged_alarm(&known, mounted, &slice.tally.remarks));
        }
        slice.done.others = journal.into_events();
        Ok(())
    }

    /// How far each booking is, by the log.
    async fn phases(&self, copies: &[Holding]) -> Result<HashMap<BookingId, Phase>, SliceError> {
        let streams: Vec<StreamName> = copies.iter().map(|one| StreamName::booking(&one.booking)).collect();
        let histories = self.log.readable_streams(&streams).await?;
        let phase = |stream: &StreamName| Some(fold::<Booking>(histories.get(stream)?).ok()?.phase);
        let known = copies.iter().zip(&streams).filter_map(|(one, stream)| Some((one.booking.clone(), phase(stream)?)));
        Ok(known.collect())
    }

    fn scratch(&self, request: Request<'_>) -> PathBuf {
        self.data_dir.join(format!("scratch.{}", request.id))
    }
}

/// The event for a booking whose file the server has again, unless the log has it there.
fn put_back(drive: DriveId, path: &str, is_new: bool, phase: Option<&Phase>) -> Option<Event> {
    let is_told = match phase? {
        Phase::Archived => is_new,
        Phase::Purged => true,
        _ => false,
    };
    is_told.then(|| Event::TimesheetRestored(Restored { drive, path: printable(path, 4096) }))
}

/// What a drill leaves is of no use; the folder's name says so.
fn remove(scratch: &Path) {
    if let Err(error) = std::fs::remove_dir_all(scratch)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %scratch.display(), %error, "a drill's scratch folder stays: delete it by hand");
    }
}

async fn to_folder(drive: &Drive, root: PathBuf, copies: &[Holding]) -> Result<Vec<Given>, SliceError> {
    let (drive, copies) = (drive.clone(), copies.to_vec());
    blocking(move || {
        let folder = RestoreFolder::open(&root).map_err(|error| SliceError::other(error.to_string()))?;
        copies.iter().map(|copy| into(&folder, &root, &drive, copy)).collect()
    })
    .await
}

fn into(folder: &RestoreFolder, root: &Path, drive: &Drive, copy: &Holding) -> Result<Given, SliceError> {
    let logged = LoggedCopy { sha256: copy.sha256.clone(), size: Some(copy.size) };
    let path = format!("{}/{}", copy.booking, restored_name(&original(&copy.path)));
    let restored = folder.restore(&path, &logged, None, &mut |sink| drive.read_proven(&copy.path, &logged, sink));
    let shown = |path: String| root.join(path).display().to_string();
    Ok(match restored {
        Ok(RestoreOutcome::Written { path, .. }) => Given::Written(shown(path)),
        Ok(RestoreOutcome::Already { path, .. }) => Given::Already(shown(path)),
        Ok(RestoreOutcome::SourceDiffers(_)) => Given::SourceDiffers,
        Err(RestoreFileError::Source(error)) if error.obstacle().is_some() && drive.space().is_err() => {
            return Err(error.into());
        }
        Err(RestoreFileError::Source(_)) => Given::SourceDiffers,
        Err(error) => Given::Failed(error.to_string()),
    })
}

/// The name that the server gave.
fn original(path: &str) -> String {
    let last = path.rsplit('/').next().unwrap_or_default();
    name::unescape(last).unwrap_or_else(|| last.to_owned())
}

async fn to_server(drive: &Drive, source: &Source, copies: &[Holding]) -> Vec<Given> {
    let mut given = Vec::with_capacity(copies.len());
    for copy in copies {
        given.push(put(drive, source, copy).await);
    }
    given
}

/// Streams a file from the drive to the server, which takes only the recorded bytes.
async fn put(drive: &Drive, source: &Source, copy: &Holding) -> Given {
    let (chunks, body) = mpsc::channel::<io::Result<Bytes>>(CHUNKS);
    let (owned, wanted) = (drive.clone(), copy.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let logged = LoggedCopy { sha256: wanted.sha256.clone(), size: Some(wanted.size) };
        let read = owned.read_proven(&wanted.path, &logged, &mut |bytes| match chunks
            .blocking_send(Ok(Bytes::copy_from_slice(bytes)))
        {
            Ok(()) => std::ops::ControlFlow::Continue(()),
            Err(_) => std::ops::ControlFlow::Break(()),
        });
        if !is_right(&read, &wanted) {
            let _ = chunks.blocking_send(Err(io::Error::other("the copy is not what was proven")));
        }
        read
    });
    let body = stream::unfold(body, async |mut body| Some((body.recv().await?, body)));
    let answer = source.put_archived(&copy.booking, Box::pin(body), copy.size, Some(drive.identity().id)).await;
    let read = reading.await;
    if let Ok(read) = &read
        && !is_right(read, copy)
        && !matches!(read, Ok(ProvenRead::Stopped))
    {
        return Given::SourceDiffers;
    }
    match answer {
        Ok(answer) => match answer.outcome {
            AnswerOutcome::Done => Given::OnServer { path: answer.path, is_new: true },
            AnswerOutcome::Already => Given::OnServer { path: answer.path, is_new: false },
            AnswerOutcome::Refused => {
                Given::Failed(answer.reason.unwrap_or_else(|| "the server refused it".to_owned()))
            }
        },
        Err(error) => Given::Failed(error.to_string()),
    }
}

fn is_right(read: &Result<ProvenRead, DriveError>, copy: &Holding) -> bool {
    matches!(read, Ok(ProvenRead::Read { result, .. }) if result.pair.named == copy.sha256)
}
