//! One source, read once, written to several drives.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use strongroom_files::Time;
use strongroom_model::ByteCount;
use strongroom_service::fault::inherited;

use crate::drive::Drive;
use crate::error::{DriveError, DriveErrorKind};
use crate::partial::Partial;
use crate::place::Destination;
use crate::proof::{LoggedCopy, ProvenRead};
use crate::received::{Landed, Received};

/// Chunks of at most 1 MiB that a target may be behind the source.
const MAX_CHUNKS_BEHIND: usize = 8;
/// The second reading is for targets whose resumed bytes turn out to be wrong.
const MAX_READINGS: usize = 2;

/// A proven copy to be copied to other drives.
#[derive(Debug, Clone)]
pub struct CopyOrder {
    /// Its path on the source, and on the targets where possible.
    pub path: String,
    /// What it is: `expected` is the SHA-256 that was proven, and `size` the proven size.
    pub place: Destination,
}

/// What came of reading once and writing several times.
#[derive(Debug)]
pub struct Copied {
    /// What was read; `None` if every target had the file already, or none could take it.
    pub source: Option<ProvenRead>,
    /// One result for each target, in order: bytes with the right digest, to be committed. Nothing of a source that reads
    /// wrong is among them.
    pub targets: Vec<Result<Received, DriveError>>,
}

impl Copied {
    /// Whether the source was read to its end and was not what was proven.
    pub fn source_differs(&self, copy: &CopyOrder) -> bool {
        match &self.source {
            Some(ProvenRead::Read { result, .. }) => result.pair.named != copy.place.expected,
            Some(ProvenRead::OtherSize(_)) => true,
            Some(ProvenRead::Stopped) | None => false,
        }
    }
}

/// Reads a proven copy once and writes it to each target's temporary file; the slowest target sets the pace. A target
/// that fails (full, unplugged) stops no other. Bytes reach a target before the source's digest is known, but only under
/// temporary names, which are removed if it is wrong: a mismatch is never propagated.
///
/// Commit what each target received, read it back, and record it, as for a fetched file.
///
/// # Errors
/// The source's: then every target keeps what it has, to be resumed.
pub fn copy_to_each(source: &Drive, copy: &CopyOrder, targets: &[&Drive]) -> Result<Copied, DriveError> {
    let mut outputs: Vec<Target> = targets
        .iter()
        .map(|target| match target.receive_copy(&copy.path, &copy.place) {
            Ok(partial) => Target::Open(Box::new(partial)),
            Err(error) => Target::Failed(error),
        })
        .collect();
    let mut source_read = None;
    for _ in 0..MAX_READINGS {
        // What is complete was compared when it was opened.
        if !outputs.iter().any(Target::wants_bytes) {
            break;
        }
        let read = read_once(source, copy, &mut outputs)?;
        let (proven, modified) = match &read {
            ProvenRead::Read { result, modified } => (result.pair.named == copy.place.expected, *modified),
            ProvenRead::OtherSize(_) => (false, Time::default()),
            ProvenRead::Stopped => {
                source_read = Some(read);
                break;
            }
        };
        source_read = Some(read);
        if !proven {
            outputs.iter_mut().for_each(|output| output.discard(copy));
            break;
        }
        outputs.iter_mut().for_each(|output| output.settle(copy, modified));
    }
    let targets = outputs.into_iter().map(|output| output.received(copy)).collect();
    Ok(Copied { source: source_read, targets })
}

/// Commits what several drives received, each in its own thread: a batch takes as long as the slowest. One result for each
/// file, in order.
#[must_use]
pub fn commit_each(batches: Vec<(&Drive, Vec<Received>)>) -> Vec<Vec<Result<Landed, DriveError>>> {
    on_each(batches, |(drive, received)| drive.commit(received))
}

enum Target {
    Open(Box<Partial>),
    Failed(DriveError),
}

impl Target {
    fn wants_bytes(&self) -> bool {
        matches!(self, Self::Open(partial) if !partial.is_complete())
    }

    /// Removes what came of a wrong source. What was there before, and compared, stays.
    fn discard(&mut self, copy: &CopyOrder) {
        if matches!(self, Self::Open(partial) if partial.is_new()) {
            let wrong = Self::Failed(DriveErrorKind::WrongBytes.of(&copy.path));
            if let Self::Open(partial) = std::mem::replace(self, wrong) {
                partial.discard();
            }
        }
    }

    /// Where the source was right: one whose resumed bytes were wrong begins again.
    fn settle(&mut self, copy: &CopyOrder, modified: Time) {
        let Self::Open(partial) = self else { return };
        if partial.digest() == copy.place.expected {
            partial.set_modified(modified);
        } else if let Err(error) = partial.restart() {
            *self = Self::Failed(error);
        }
    }

    fn received(self, copy: &CopyOrder) -> Result<Received, DriveError> {
        match self {
            Self::Open(partial) if partial.is_complete() && partial.digest() == copy.place.expected => partial.finish(),
            Self::Open(partial) => {
                let path = partial.path();
                partial.discard();
                Err(DriveErrorKind::WrongBytes.of(path))
            }
            Self::Failed(error) => Err(error),
        }
    }
}

fn read_once(source: &Drive, copy: &CopyOrder, outputs: &mut [Target]) -> Result<ProvenRead, DriveError> {
    let logged = LoggedCopy { sha256: copy.place.expected.clone(), size: Some(copy.place.size) };
    thread::scope(|scope| {
        let mut senders = Vec::new();
        for output in outputs.iter_mut().filter(|output| output.wants_bytes()) {
            let (sender, chunks) = sync_channel::<Arc<[u8]>>(MAX_CHUNKS_BEHIND);
            senders.push(Some(sender));
            scope.spawn(inherited(move || write_all(output, &chunks)));
        }
        source.read_proven(&copy.path, &logged, &mut |bytes| send(&mut senders, bytes))
    })
}

/// Ends the reading once no target is left.
fn send(senders: &mut [Option<SyncSender<Arc<[u8]>>>], bytes: &[u8]) -> ControlFlow<()> {
    let chunk: Arc<[u8]> = bytes.into();
    for sender in senders.iter_mut() {
        // Its thread ended after an error.
        if sender.as_ref().is_some_and(|open| open.send(Arc::clone(&chunk)).is_err()) {
            *sender = None;
        }
    }
    if senders.iter().any(Option::is_some) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

fn write_all(output: &mut Target, chunks: &Receiver<Arc<[u8]>>) {
    let Target::Open(partial) = output else { return };
    let mut skip = partial.resumed_from();
    for chunk in chunks {
        let skipped = skip.0.min(chunk.len() as u64);
        skip = ByteCount(skip.0 - skipped);
        let rest = &chunk[usize::try_from(skipped).expect("it is at most the chunk's length")..];
        if let Err(error) = partial.write(rest) {
            *output = Target::Failed(error);
            return;
        }
    }
}

/// Works on each item in a thread of its own.
pub(crate) fn on_each<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = items.into_iter().map(|item| scope.spawn(inherited(move || work(item)))).collect();
        let joined = running.into_iter().map(thread::ScopedJoinHandle::join);
        joined.map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}
