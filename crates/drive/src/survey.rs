//! What differs between a month's bag and what the log says of it.

use std::fmt;

use strongroom_model::{ByteCount, Digest};

/// More are only counted: a drive that lost all its files needs no list of them.
pub(crate) const MAX_FAULTS: usize = 10_000;

/// A difference between a bag and the log, or between a bag and itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BagFault {
    /// Relative to the drive's root. One that neither log nor manifest knows is printable and shortened; escape it
    /// where it is shown.
    pub path: String,
    /// What is wrong with it.
    pub kind: BagFaultKind,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BagFaultKind {
    /// There is no folder for the month.
    BagMissing,
    /// The bag has no manifest.
    ManifestMissing,
    /// The manifest or journal cannot be read, or only in part; the reason.
    ManifestUnreadable(String),
    /// A line of the manifest is not a digest and a path; its number, from 1.
    MalformedLine(u64),
    /// The manifest lists the path twice.
    ListedTwice,
    /// The log has proven the copy, and the manifest does not list it.
    EntryRemoved,
    /// The manifest lists it with another digest than was proven.
    EntryChanged {
        /// As the manifest has it.
        listed: Digest,
        /// As the log has it.
        proven: Digest,
    },
    /// The manifest lists a copy that the log does not know.
    EntryAdded {
        /// Whether there is a file.
        is_there: bool,
    },
    /// A listed or proven file is not there.
    FileMissing,
    /// A file that neither manifest nor log knows. It may wait for its proof.
    FileExtra,
    /// A folder where no folder belongs.
    FolderExtra,
    /// A link, a folder, or something else stands where a file or a folder of the bag belongs, or among them.
    NotPlain,
    /// The file has another size than the proven one.
    SizeDiffers {
        /// As the log has it.
        proven: ByteCount,
        /// As it is.
        found: ByteCount,
    },
    /// A tag file, or the text about the bag, is not there.
    TagFileMissing,
    /// A tag file, or the text about the bag, is not as it was written; what differs.
    TagFileChanged(String),
    /// A folder or file cannot be read; the reason.
    Unreadable(String),
}

impl BagFaultKind {
    /// A stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BagMissing => "bag-missing",
            Self::ManifestMissing => "manifest-missing",
            Self::ManifestUnreadable(_) => "manifest-unreadable",
            Self::MalformedLine(_) => "malformed-line",
            Self::ListedTwice => "listed-twice",
            Self::EntryRemoved => "entry-removed",
            Self::EntryChanged { .. } => "entry-changed",
            Self::EntryAdded { .. } => "entry-added",
            Self::FileMissing => "file-missing",
            Self::FileExtra => "file-extra",
            Self::FolderExtra => "folder-extra",
            Self::NotPlain => "not-plain",
            Self::SizeDiffers { .. } => "size-differs",
            Self::TagFileMissing => "tag-file-missing",
            Self::TagFileChanged(_) => "tag-file-changed",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

impl fmt::Display for BagFaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BagMissing => f.write_str("the month's folder is not on the drive"),
            Self::ManifestMissing => f.write_str("the month's manifest is not there"),
            Self::ManifestUnreadable(reason) => write!(f, "it cannot be read as a list of copies: {reason}"),
            Self::MalformedLine(line) => write!(f, "line {line} is not a digest and a path"),
            Self::ListedTwice => f.write_str("the manifest lists it twice"),
            Self::EntryRemoved => f.write_str("the log has proven it, but its line was removed from the manifest"),
            Self::EntryChanged { listed, proven } => {
                write!(f, "its line in the manifest was changed: it has {listed}, and {proven} was proven")
            }
            Self::EntryAdded { is_there: true } => {
                f.write_str("the manifest lists it, but the log never proved it on this drive")
            }
            Self::EntryAdded { is_there: false } => f.write_str(
                "the manifest lists it, but the log never proved it on this drive, and there is no such file",
            ),
            Self::FileMissing => f.write_str("the file is not there any more"),
            Self::FileExtra => f.write_str("neither the manifest nor the log knows this file"),
            Self::FolderExtra => f.write_str("this folder does not belong to the bag"),
            Self::NotPlain => f.write_str("it is no plain file or folder of the bag, but a link or something else"),
            Self::SizeDiffers { proven, found } => {
                write!(f, "the file has {} bytes, and {} were proven", found.0, proven.0)
            }
            Self::TagFileMissing => f.write_str("the file that describes the bag is not there any more"),
            Self::TagFileChanged(what) => write!(f, "the file that describes the bag was changed: {what}"),
            Self::Unreadable(reason) => write!(f, "it cannot be read: {reason}"),
        }
    }
}

/// A bag compared with the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BagSurvey {
    /// The differences that were found, in no particular order.
    pub faults: Vec<BagFault>,
    /// How many more there are.
    pub left_out: u64,
    /// Copies that the manifest lists.
    pub listed: u64,
    /// Proven files that are there, whatever their content.
    pub found: u64,
}

impl BagSurvey {
    /// Whether the bag is as the log says, as far as it can be without reading the copies.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    pub(crate) fn add(&mut self, path: impl fmt::Display, kind: BagFaultKind) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(BagFault { path: path.to_string(), kind });
        } else {
            self.left_out += 1;
        }
    }
}
