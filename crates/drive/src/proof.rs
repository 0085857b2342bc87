//! Proofs, and what recovery needs and reports.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use strongroom_files::Time;
use strongroom_model::digest::DigestPair;
use strongroom_model::event::ReadBack;
use strongroom_model::{BookingId, ByteCount, Digest, Month};

use crate::seen::FileVersion;

/// A file that was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBackResult {
    /// Its digests.
    pub pair: DigestPair,
    /// Its size.
    pub size: ByteCount,
    /// How it was really read.
    pub method: ReadBack,
    /// The file that was read, and its version.
    pub seen: FileVersion,
}

/// A proven copy, as the log knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedCopy {
    /// The SHA-256 that was proven.
    pub sha256: Digest,
    /// Its size, where the log has it.
    pub size: Option<ByteCount>,
}

/// What [`Drive::read_proven`](crate::Drive::read_proven) found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProvenRead {
    /// It was read to its end. The caller compares the digests.
    Read {
        /// Its digests, and how it was read.
        result: ReadBackResult,
        /// When its bytes were last changed.
        modified: Time,
    },
    /// It has another size than was proven, so it is not the proven content: nothing was read.
    OtherSize(ByteCount),
    /// The sink wanted no more.
    Stopped,
}

/// A proven copy, as its month's manifest lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenCopy {
    /// Its path, relative to the drive's root.
    pub path: String,
    /// The SHA-256 that was read back.
    pub sha256: Digest,
    /// The file that was read back just now: it is listed only while that is in place.
    pub seen: Option<FileVersion>,
}

/// A file still to be fetched: its partial file is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedFile {
    /// Its booking.
    pub booking: BookingId,
    /// The server's digest.
    pub expected: Digest,
}

/// What the log knows of a drive at the start.
#[derive(Debug, Clone, Copy)]
pub struct Recovery<'a> {
    /// The month of new files. Partial files of other months are not resumed.
    pub month: Month,
    /// Files still to be fetched that may be on the drive ([`Drive::unfinished`](crate::Drive::unfinished)).
    pub expected_files: &'a [ExpectedFile],
    /// Paths of fetched files without a proof.
    pub unproven: &'a [String],
    /// All proven copies of each given month: its missing or damaged manifest is rewritten from them, and other files
    /// are not its payload.
    pub proofs: &'a BTreeMap<Month, Vec<ProvenCopy>>,
    /// Paths in these months that this log fetched and never proved. Unlisted files there are leftovers; others stay
    /// ([`RecoveryReport::unlisted`]).
    pub abandoned: &'a BTreeSet<String>,
    /// The time of the log's first event. A lost log may have proven older files, so they stay.
    pub since: Option<Timestamp>,
}

/// A file that neither log nor manifest knows. A lost log may have proven it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlisted {
    /// Its path, relative to the drive's root.
    pub path: String,
    /// Its digests in quarantined manifests. If it reads back as one of these, it was proven, and may be listed
    /// again.
    pub listed_as: Vec<Digest>,
}

/// What recovery did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Temporary files and drafts that were removed.
    pub swept: u64,
    /// Partial files that were kept.
    pub kept: u64,
    /// New paths of files that were quarantined: fetched and never proven.
    pub quarantined: Vec<String>,
    /// Unlisted files that this log cannot explain, perhaps proven by another log, or for another identity. They
    /// stay.
    pub unlisted: Vec<Unlisted>,
    /// Months whose manifest or text was rewritten.
    pub rewritten: Vec<Month>,
    /// Months whose manifest is missing, damaged, or incomplete: call again with their proofs.
    pub doubtful: BTreeSet<Month>,
    /// Other workers were writing, so only what certainly belongs to nobody was touched.
    pub others_busy: bool,
}
