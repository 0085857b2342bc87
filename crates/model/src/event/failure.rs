//! Failures of a stage's work.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::flow::StageName;

/// A stage's failure: retried at `retry_at`, or left to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failed {
    /// Which attempt failed, from 1.
    pub attempt: u32,
    /// The wrong digest that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The cause.
    pub kind: FailureKind,
    /// One line for a person.
    pub message: String,
    /// What a person does, where that is known better than from the cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// Where the bad copy goes once this is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<String>,
    /// Recipients who got the mail, if not all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reached: Vec<String>,
    /// The retry's time; absent: a person is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub retry_at: Option<Timestamp>,
    /// The stage that failed.
    pub stage: StageName,
}

impl Failed {
    /// What a person does.
    #[must_use]
    pub fn step(&self) -> &str {
        self.next_step.as_deref().unwrap_or_else(|| self.kind.step())
    }
}

macro_rules! failure_kinds {
    ($($variant:ident: $code:literal, $cause:literal, $step:literal;)+) => {
        /// The cause of a stage's failure.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum FailureKind {
            $(#[doc = $cause] $variant,)+
            /// A newer version's cause.
            #[serde(other)]
            Unknown,
        }

        impl FailureKind {
            /// Every known cause.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code in log and metrics.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                    Self::Unknown => "unknown",
                }
            }

            /// Its heading.
            #[must_use]
            pub const fn cause(self) -> &'static str {
                match self {
                    $(Self::$variant => $cause,)+
                    Self::Unknown => "a cause that only a newer version of strongroom knows",
                }
            }

            /// The next step.
            #[must_use]
            pub const fn step(self) -> &'static str {
                match self {
                    $(Self::$variant => $step,)+
                    Self::Unknown => "upgrade strongroom on this host, then check again",
                }
            }
        }
    };
}

failure_kinds! {
    FileMissing: "file-missing", "the server has no file for the booking",
        "find out on the server what became of the file; upload it again, then run `strongroom retry`";
    RecordWrong: "record-wrong", "the server's file differs from the server's own record",
        "compare the file on the server with what was uploaded; upload the right one again, then run `strongroom retry`";
    FileChanged: "file-changed", "the file on the server was changed after its copy was proven",
        "find out who changed it; upload the signed-off bytes again (the proven copy on the drive has them), then run `strongroom retry`; the new bytes need a booking of their own";
    WrongDigest: "wrong-digest", "the received bytes differ from the server's record",
        "nothing yet: it is fetched again by itself";
    DriveChanged: "drive-changed", "the drive gave back other bytes than were written",
        "check the drive and its cable (`smartctl -a`); replace the drive if it happens again";
    CopyMissing: "copy-missing", "the copy was gone from the drive before it was proven",
        "find out who else writes to the drive; it is fetched again by itself";
    CopyLost: "copy-lost", "its proven copy was lost before it was reported to the server",
        "check the drive (`smartctl -a`) and who else writes to it; then run `strongroom retry`: it is fetched and proven anew";
    CutShort: "cut-short", "the transfer was cut before the end",
        "check the network between here and the server; received bytes are kept, and the transfer continues from there";
    TooLong: "too-long", "the server sent more bytes than its record says",
        "compare the file's size on the server with the server's record; then run `strongroom retry`";
    Stalled: "stalled", "the server stopped sending",
        "check the server's load and the network; it is tried again by itself";
    NoAnswer: "no-answer", "the server closed the connection without an answer",
        "check the log of the server, and of any proxy or firewall before it, for this file; then run `strongroom retry`";
    ServerError: "server-error", "the server answered with an error of its own",
        "check the server's log at that time; then run `strongroom retry`";
    BadAnswer: "bad-answer", "the server's answer could not be understood",
        "check that the address is a document server's, and its version; then run `strongroom retry`";
    Encoded: "encoded", "the server sent the file encoded, though asked not to",
        "turn off compression for documents on the server or the proxy before it; then run `strongroom retry`";
    Redirected: "redirected", "the server sent us to another address",
        "if the server has moved, set `source.url` to its new address; then run `strongroom retry`";
    BadRecord: "bad-record", "the server's record of the booking cannot be used",
        "correct the record on the server, then run `strongroom retry`";
    UnknownDigest: "unknown-digest", "the server's digest is of an unknown algorithm",
        "record a sha256 digest for it on the server, then run `strongroom retry`";
    DriveIo: "drive-io", "the drive could not write or read the file",
        "check the drive and its cable (`smartctl -a`, `dmesg`); it is tried again by itself";
    PathTaken: "path-taken", "something else stands in the file's place on the drive",
        "look at the path on the drive and move away what does not belong there; then run `strongroom retry`";
    DriveUnfit: "drive-unfit", "the drive's file system cannot hold this file",
        "use a drive with another file system (ext4, exFAT, NTFS), or mount this one so that it holds the name; then run `strongroom retry`";
    DownloadRefused: "download-refused", "the server refused to give the file",
        "read the server's reason, let the token download this booking too, then run `strongroom retry`";
    Refused: "refused", "the server refused to mark or to move the file",
        "read the server's reason, put it right there, then run `strongroom retry`";
    MailRefused: "mail-refused", "the mail server refused the mail",
        "check the addresses and the login in the [mail] section; then run `strongroom retry`";
    MailUnreachable: "mail-unreachable", "the mail could not be handed over",
        "check [mail] with `strongroom doctor`; it is tried again by itself";
    JobUnknown: "job-unknown", "no such job is configured on this host",
        "configure the job on the host that its runs are for, or retire it there; then run `strongroom job run`";
    JobSettings: "job-settings", "the job's settings cannot be used",
        "correct them as the message says: `strongroom job plan` tries them; then run `strongroom job run`";
    Interrupted: "interrupted", "the process that ran the job ended in the middle of it",
        "nothing yet: the run is started again by itself";
    Obstructed: "obstructed", "the job cannot be done now, and nobody's file is at fault",
        "put right what the message names, such as a target that is not mounted or a disk without room; it is tried again by itself";
    TargetUnknown: "target-unknown", "the target is not the folder that the job wrote to before",
        "mount the right target; or set up this one with `strongroom target init`, and then name it in the job's `target_id`";
    SourceMissing: "source-missing", "the job's source is missing or empty",
        "see that the source is mounted and named right; then run `strongroom job run`";
    ToolFailed: "tool-failed", "the job's tool reported a failure",
        "read the tool's own messages with `strongroom job log`";
    ToolMissing: "tool-missing", "the job's tool is not installed, or too old",
        "install it as the message says; then run `strongroom job run`";
    WouldDeleteTooMuch: "would-delete-too-much", "the run would delete more files in the copy than it may",
        "look at `strongroom job plan`; raise the job's `max_delete` if the deletions are wanted; then run `strongroom job run`";
    PluginChanged: "plugin-changed", "the plugin is not the program that was accepted",
        "find out who changed it; accept it with `strongroom job accept` if the change is wanted";
    PluginCrashed: "plugin-crashed", "the plugin ended without a result",
        "read its last messages with `strongroom job log`, and report them to its author";
    PluginSilent: "plugin-silent", "the plugin ended well, without a result",
        "try it with `strongroom plugin test`, and report that to its author";
    PluginProtocol: "plugin-protocol", "the plugin does not keep to the protocol",
        "try it with `strongroom plugin test`, and report that to its author";
    ProofFailed: "proof-failed", "the proof of the copy could not be made",
        "read the tool's own messages with `strongroom job log`; the copy is there, and not proven";
    NotProven: "not-proven", "the copy could not be proven as a whole this time",
        "run the job again, which proves it: `strongroom job run`";
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
