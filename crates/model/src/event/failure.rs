//! Failures: what a stage could not do, why, and what comes next.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::flow::StageName;

/// A stage's work that did not succeed. With `retry_at` it is tried again by itself;
/// without, it needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failed {
    /// Which attempt this was, from 1.
    pub attempt: u32,
    /// The wrong digest that was seen, where that was the cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The stable code of the cause.
    pub kind: FailureKind,
    /// What happened, for a person, on one line.
    pub message: String,
    /// Where the bad copy is put aside, right after this is recorded, relative to the drive's root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<String>,
    /// Of a mail: the recipients who got it at this attempt, though not all did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reached: Vec<String>,
    /// When it is tried again; absent: a person must look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub retry_at: Option<Timestamp>,
    /// Whose work it was.
    pub stage: StageName,
}

macro_rules! failure_kinds {
    ($($(#[$meta:meta])* $variant:ident: $code:literal, $cause:literal, $step:literal;)+) => {
        /// Why a stage's work failed: a stable code, for metrics and for grouping.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum FailureKind {
            $($(#[$meta])* $variant,)+
            /// A cause that a later version recorded.
            #[serde(other)]
            Unknown,
        }

        impl FailureKind {
            /// Every cause that this version records.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code, as it stands in the log and in metrics.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                    Self::Unknown => "unknown",
                }
            }

            /// The cause in a few words, for a heading.
            #[must_use]
            pub const fn cause(self) -> &'static str {
                match self {
                    $(Self::$variant => $cause,)+
                    Self::Unknown => "a cause that only a newer version of strongroom knows",
                }
            }

            /// What a person does about it.
            #[must_use]
            pub const fn step(self) -> &'static str {
                match self {
                    $(Self::$variant => $step,)+
                    Self::Unknown => "upgrade strongroom on this host, then look again",
                }
            }
        }
    };
}

failure_kinds! {
    /// The server has a booking but no file for it (404 or 410).
    FileMissing: "file-missing", "the server has no file for the booking",
        "find out on the server what became of the file; upload it again, then run `strongroom retry`";
    /// The server's file is not what its own record says: twice the same wrong digest.
    RecordWrong: "record-wrong", "the server's file differs from the server's own record",
        "compare the file on the server with what was uploaded; upload the right one again, then run `strongroom retry`";
    /// The server's file was changed after its digest was recorded, so the server does not move it.
    FileChanged: "file-changed", "the file on the server was changed after its copy was proven",
        "find out who changed it; upload the signed-off bytes again (the proven copy on the drive has them), then run `strongroom retry`; the new bytes need a booking of their own";
    /// The bytes that came have another digest than the server's record.
    WrongDigest: "wrong-digest", "what came is not what the server's record says",
        "nothing yet: it is fetched again by itself";
    /// What was read back is not what was written.
    DriveChanged: "drive-changed", "the drive gave back other bytes than were written",
        "check the drive and its cable (`smartctl -a`); replace the drive if it happens again";
    /// The copy was not there when it was to be read back.
    CopyMissing: "copy-missing", "the copy was gone from the drive before it was proven",
        "find out who else writes to the drive; it is fetched again by itself";
    /// A proven copy was lost before the server was told of it.
    CopyLost: "copy-lost", "its proven copy was lost before the server was told of it",
        "check the drive (`smartctl -a`) and who else writes to it; then run `strongroom retry`: it is fetched and proven anew";
    /// The transfer ended before the file did.
    CutShort: "cut-short", "the transfer was cut before the end",
        "check the network between here and the server; what came is kept, and the transfer goes on from there";
    /// More bytes came than the server's record says.
    TooLong: "too-long", "more bytes came than the server's record says",
        "compare the file's size on the server with the server's record; then run `strongroom retry`";
    /// No byte came for as long as we wait.
    Stalled: "stalled", "the server stopped sending",
        "check the server's load and the network; it is tried again by itself";
    /// The connection ended before the server's answer began, while the server works otherwise.
    NoAnswer: "no-answer", "the server closed the connection without an answer",
        "look into the log of the server, and of what stands before it (a proxy, a firewall), for this file; then run `strongroom retry`";
    /// The server answered with an error of its own (5xx).
    ServerError: "server-error", "the server answered with an error of its own",
        "look into the server's log at that time; then run `strongroom retry`";
    /// The server's answer could not be understood.
    BadAnswer: "bad-answer", "the server's answer could not be understood",
        "check that the address is a document server's, and its version; then run `strongroom retry`";
    /// The server sent the file compressed or otherwise encoded, though asked not to.
    Encoded: "encoded", "the server sent the file encoded, though asked not to",
        "turn off compression for documents on the server or the proxy before it; then run `strongroom retry`";
    /// The server sent us elsewhere.
    Redirected: "redirected", "the server sent us to another address",
        "if the server has moved, set `source.url` to its new address; then run `strongroom retry`";
    /// The server's record of a booking cannot be used.
    BadRecord: "bad-record", "the server's record of the booking cannot be used",
        "correct the record on the server, then run `strongroom retry`";
    /// The digest in the server's record is of an algorithm that we cannot compute.
    UnknownDigest: "unknown-digest", "the server's digest is of an unknown algorithm",
        "record a sha256 digest for it on the server, then run `strongroom retry`";
    /// The drive could not write or read one file.
    DriveIo: "drive-io", "the drive could not write or read the file",
        "check the drive and its cable (`smartctl -a`, `dmesg`); it is tried again by itself";
    /// Another file stands where this one should, or the path is not a plain folder.
    PathTaken: "path-taken", "something else stands in the file's place on the drive",
        "look at the path on the drive and move away what does not belong there; then run `strongroom retry`";
    /// The drive's file system cannot hold a file of that size or name.
    DriveUnfit: "drive-unfit", "the drive's file system cannot hold this file",
        "use a drive with another file system (ext4, exFAT, NTFS), or mount this one so that it holds the name; then run `strongroom retry`";
    /// The server refused to give the file (401 or 403), though it gives its list.
    DownloadRefused: "download-refused", "the server refused to give the file",
        "read the server's reason, let the token download this booking too, then run `strongroom retry`";
    /// The server refused to mark or to move the file.
    Refused: "refused", "the server refused to mark or to move the file",
        "read the server's reason, put it right there, then run `strongroom retry`";
    /// The mail server refused the mail for good (5xx).
    MailRefused: "mail-refused", "the mail server refused the mail",
        "check the addresses and the login in the [mail] section; then run `strongroom retry`";
    /// The mail server could not be reached or asked us to come back later (4xx).
    MailUnreachable: "mail-unreachable", "the mail could not be handed over",
        "check [mail] with `strongroom doctor`; it is tried again by itself";
    /// A fault in Strongroom itself.
    Internal: "internal", "a fault in strongroom itself",
        "please report it with the event's data; then run `strongroom retry`";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_what_the_log_holds() {
        for kind in FailureKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.code());
        }
    }

    #[test]
    fn a_later_versions_cause_is_read_as_unknown() {
        let kind: FailureKind = serde_json::from_str("\"eaten-by-dog\"").unwrap();
        assert_eq!(kind, FailureKind::Unknown);
    }
}
