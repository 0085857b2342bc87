//! Proofs: what was read back, what a manifest lists, and what is put right at the start.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use strongroom_model::digest::DigestPair;
use strongroom_model::event::ReadBack;
use strongroom_model::{BookingId, ByteCount, Digest, Month};

use crate::seen::Seen;

/// What was read back from a drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBackOf {
    /// The digests of what was read.
    pub pair: DigestPair,
    /// How many bytes were read.
    pub size: ByteCount,
    /// How it was read, as it really happened.
    pub method: ReadBack,
    /// Which file it was.
    pub seen: Seen,
}

/// A copy that was proven, as its month's manifest lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Where it lies, relative to the drive's root.
    pub path: String,
    /// SHA-256 of what was read back.
    pub sha256: Digest,
    /// Which file it was that was read back, where it was read just now: it is listed only while it stands there.
    pub seen: Option<Seen>,
}

/// A file that is still to be fetched: what came of it earlier is kept, to go on from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Whose timesheet it is.
    pub booking: BookingId,
    /// The digest that the server holds.
    pub expected: Digest,
}

/// What the log says of a drive when a process starts.
#[derive(Debug, Clone, Copy)]
pub struct Recovery<'a> {
    /// The month's bag that new files go into now. Partial files in other months' bags are not
    /// resumed, so they are not kept.
    pub month: Month,
    /// The files that are still to be fetched, of those that something may be there of
    /// ([`Drive::unfinished`](crate::Drive::unfinished)).
    pub wanted: &'a [Wanted],
    /// The paths of files that are fetched but not proven.
    pub unproven: &'a [String],
    /// The proven copies of whole months. Where a month is named here, all its proofs must be, though
    /// there may be none: its manifest is written anew from them if it is missing or damaged, and
    /// what they do not name is not a payload of its bag.
    pub proofs: &'a BTreeMap<Month, Vec<Proof>>,
    /// The paths at which this log says that a file was fetched and never proven, in the months that are named above: what lies
    /// there and no manifest lists is what a booking left that was fetched anew. Whatever else no manifest lists stays
    /// where it is ([`Recovered::unlisted`]).
    pub abandoned: &'a BTreeSet<String>,
    /// When the log began, if anything is in it. A file that is older may have been proven by another log, which was lost:
    /// it stays where it is, whatever this log knows of it ([`Recovered::unlisted`]).
    pub since: Option<Timestamp>,
}

/// A file in a month's bag that neither this log nor the manifest knows. Another log, which was lost, may have proven
/// it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlisted {
    /// Where it lies, relative to the drive's root.
    pub path: String,
    /// What damaged manifests, which were put aside, still list it with. If it is read back as one of these, it was
    /// proven once, and may be listed again.
    pub listed_as: Vec<Digest>,
}

/// What was put right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// How many temporary files, and bags in the making, were removed.
    pub swept: u64,
    /// How many partial files were kept, for their transfers go on.
    pub kept: u64,
    /// Files in a bag that were fetched and never proven, now in the quarantine: their new paths.
    pub quarantined: Vec<String>,
    /// Files in a bag that are not listed, and which this log cannot explain: another log may have proven them, or this one
    /// for a drive of another identity. They stay where they are.
    pub unlisted: Vec<Unlisted>,
    /// The months whose manifest, or whose text, was written anew.
    pub rewritten: Vec<Month>,
    /// The months whose manifest is missing, damaged, or does not list a file that lies there, and which
    /// no proofs were given of: what to do about them is known when they are.
    pub doubtful: BTreeSet<Month>,
    /// Whether other workers were busy on the drive, so that only what is certainly nobody's was
    /// touched.
    pub others_busy: bool,
}
