//! The table of alarms: pauses, summaries, metrics and `docs/operations.md` follow it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::StageName;

/// What an alarm stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// Fetch and verify.
    Drive,
    /// Fetch.
    Incoming,
    /// Enumerate, fetch, archive and purge.
    Server,
    /// Delivery by the broker.
    Delivery,
    /// Every append to the log.
    Log,
    /// Nothing.
    Nobody,
}

/// Who can see that an alarm ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClearedBy {
    /// Whoever opens the drive successfully.
    Opening,
    /// The part that failed, once the same work succeeds: an opened drive or an answering server proves nothing.
    Work,
    /// The relay.
    Relay,
    /// Any process that works over a broker.
    Watch,
    /// The monitor.
    Monitor,
    /// The next event that shows recovery.
    Event,
    /// A person's decision.
    Person,
}

macro_rules! alarm_kinds {
    ($($variant:ident: $code:literal, $title:literal, $blocks:ident, $cleared:ident,
        means $meaning:literal, do $step:literal, meanwhile $meanwhile:literal;)+) => {
        /// The kind of condition, worst first.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum AlarmKind {
            $(#[doc = $title] $variant,)+
        }

        impl AlarmKind {
            /// Every kind, worst first.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code in log and metrics.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// The heading.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)+
                }
            }

            /// What it stops.
            #[must_use]
            pub const fn blocks(self) -> Blocks {
                match self {
                    $(Self::$variant => Blocks::$blocks,)+
                }
            }

            /// Who ends it.
            #[must_use]
            pub const fn cleared_by(self) -> ClearedBy {
                match self {
                    $(Self::$variant => ClearedBy::$cleared,)+
                }
            }

            /// What it means.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                }
            }

            /// The next step.
            #[must_use]
            pub const fn step(self) -> &'static str {
                match self {
                    $(Self::$variant => $step,)+
                }
            }

            /// What happens until it ends.
            #[must_use]
            pub const fn meanwhile(self) -> &'static str {
                match self {
                    $(Self::$variant => $meanwhile,)+
                }
            }
        }
    };
}

alarm_kinds! {
    LogRewound: "log-rewound", "The event log lost its newest events", Log, Person,
        means "the log is shorter than a checkpoint of it in the data folder or on a drive, or its first events are others: an older copy was restored, or a database server took over that lacks the newest events; see [A log that was restored](#a-log-that-was-restored)",
        do "nothing is recorded until you decide: put the newest copy of the log back, or go on from this one with `strongroom log adopt --reason TEXT`",
        meanwhile "Nothing is recorded and nothing is done until a person has decided.";
    LogUnreachable: "log-unreachable", "The event log cannot be written", Log, Event,
        means "nothing could be recorded for `watch.log_away_after`: the database of the log does not answer, or its disk is full; mailed although nothing can be recorded, and recorded when the log is there again",
        do "see that Postgres runs, has room and can be reached (`strongroom doctor`); for a log in a file, see that its disk is there and has room",
        meanwhile "Nothing is done, since nothing can be recorded. Nothing is lost, and work goes on by itself.";
    CopyLost: "copy-lost", "A proven copy is lost", Nobody, Event,
        means "a proven copy was not what it had been when it was read once more, at a start",
        do "see that nobody else writes to the drive; check it as for `drive-failing`; the server still has the file in `archived`",
        meanwhile "Nothing is deleted on the server on the strength of that copy.";
    DriveDamaged: "drive-damaged", "Copies on a drive are damaged", Nobody, Event,
        means "copies on a drive were read back and are not what was proven, or its months' folders are not as the log says: the alarm names the first, `strongroom list subjects --kind copy --status damaged` all of them",
        do "mount a drive with good copies of them, then `strongroom drive repair FOLDER --from FOLDER`; check the drive as for `drive-failing`",
        meanwhile "Nothing is deleted on the server on the strength of these copies, and none of them is copied or restored.";
    JobDamaged: "job-damaged", "A job's copy is damaged", Nobody, Monitor,
        means "a job's copy was read and is not what it should be: bytes differ, or files are gone from it",
        do "`strongroom job show` names the files; check the target's disk; if the source is right, delete the damaged copies and run the job again",
        meanwhile "The job goes on by its schedule. Its copy counts as damaged until a whole proof.";
    DriveFailing: "drive-failing", "The drive reports errors", Drive, Work,
        means "the drive reports errors on writing, syncing or reading",
        do "look at `dmesg` and `smartctl -a`, change the cable; replace the drive if it happens again",
        meanwhile "Nothing is written until then. The files stay on the server, and work goes on by itself.";
    DriveFull: "drive-full", "The drive is full", Incoming, Work,
        means "no room beyond `drive.reserve`: no file is fetched; copies that are on the drive already are proven and archived all the same",
        do "make room, or mount another drive that is set up",
        meanwhile "No file is fetched until then. Copies that are on it already are proven and archived; the rest stays on the server, and work goes on by itself.";
    DriveMissing: "drive-missing", "The drive is missing", Drive, Opening,
        means "there is no folder at `drive.root`, or nothing is mounted there",
        do "plug the drive in and mount it; work goes on by itself",
        meanwhile "Nothing is written until then. The files stay on the server, and work goes on by itself.";
    DriveUnknown: "drive-unknown", "The drive is not the right one", Drive, Opening,
        means "what is there was never set up, is another drive than `drive.id`, carries a copied identity, has an identity that is lost or cannot be read, or has links where folders belong",
        do "mount the right drive; set up a new one with `strongroom drive init`; one whose identity is lost or cannot be read any more gets it back from the log with `strongroom drive restore-identity`",
        meanwhile "Nothing is written until then. The files stay on the server, and work goes on by itself.";
    DriveCloned: "drive-cloned", "The drive may be a clone", Drive, Opening,
        means "the drive has the right identity, but lacks the mark of the newest use that the log knows of: it is a clone or an older image of the drive, or it lost what was written to it; or two drives with one identity are in use; see [A drive that was cloned](#a-drive-that-was-cloned)",
        do "mount the drive that was used last; or decide with `strongroom drive adopt --reason TEXT` that this one is the right one from now on",
        meanwhile "Nothing is written to it until then. The files stay on the server.";
    DriveReadOnly: "drive-read-only", "The drive cannot be written to", Drive, Work,
        means "the drive or the folder cannot be written to",
        do "look at its switch, at `dmesg` (a file system with errors turns read-only) and at the folder's owner",
        meanwhile "Nothing is written until then. The files stay on the server, and work goes on by itself.";
    ReadBackCached: "read-back-cached", "Copies cannot be read back from the device", Drive, Work,
        means "what was written to the drive can only be read back through a cache, and `verify.require` is `device`",
        do "attach the drive so that it can be read past all caches, as the alarm says; or set `verify.require = \"cached\"` and know that such copies prove less",
        meanwhile "What was fetched is on the drive and not proven. The files stay on the server, and work goes on by itself.";
    HostLimit: "host-limit", "A limit of this host is reached", Drive, Work,
        means "this process or this host has as many files open as it may, or no memory left: neither the drive's fault nor a file's",
        do "raise the limit (`ulimit -n`, `LimitNOFILE=` in the unit), or lower `fetch.concurrency` and `fetch.batch`",
        meanwhile "Nothing is written until then. The files stay on the server, and work goes on by itself.";
    ServerUnreachable: "server-unreachable", "The document server does not answer", Server, Work,
        means "the document server does not answer, or says that it is not available",
        do "look at the server and at the network between",
        meanwhile "It is asked again and again. The files stay where they are, and work goes on by itself.";
    ServerRefuses: "server-refuses", "The document server refuses our token", Server, Work,
        means "the document server refuses the token",
        do "make a new one: `strongroom server token create --name NAME --scope backup` there",
        meanwhile "It is asked again and again. The files stay where they are, and work goes on by itself.";
    ServerConfused: "server-confused", "The document server's answers make no sense", Server, Work,
        means "its answers cannot be understood",
        do "see that `source.url` is the document server's own address and no proxy's login page; compare versions",
        meanwhile "It is asked again and again. The files stay where they are, and work goes on by itself.";
    ServerStorage: "server-storage", "The document server's disk takes no writes", Server, Work,
        means "the document server cannot write its records or its files: its disk is full, read-only or failing",
        do "make room on the server, or repair its disk: its log names it",
        meanwhile "It is asked again and again. The files stay where they are, and work goes on by itself.";
    BrokerUnreachable: "broker-unreachable", "The message broker cannot be used", Delivery, Relay,
        means "the message broker does not answer, or refuses the login",
        do "see that it runs and that `broker.url` is right: `strongroom doctor`; nothing is lost, work goes on by itself",
        meanwhile "Pending work is in the log. Nothing is lost, and work goes on by itself.";
    BrokerTopology: "broker-topology", "A queue is missing or not ours", Delivery, Relay,
        means "a queue is missing or was declared otherwise, and may not be declared by the relay",
        do "`strongroom topology apply` as a user that may configure; a queue with other arguments must be deleted first",
        meanwhile "Pending work is in the log. Nothing is lost, and work goes on by itself.";
    NoRelay: "no-relay", "No relay hands work out", Delivery, Watch,
        means "no relay has run for `watch.no_relay_after`: pending work is in the log and reaches no queue",
        do "start the relay, `strongroom relay`; `strongroom status` says when there was one last",
        meanwhile "Pending work is in the log. Nothing is lost, and work goes on by itself when a relay runs.";
    NoWorker: "no-worker", "No worker takes the work that waits", Delivery, Watch,
        means "work has waited for `watch.no_worker_after` for a stage without a worker: no such process gives a sign of life, or those that do have no connection to the broker",
        do "start the worker that the alarm names; `strongroom status` says when there was one last",
        meanwhile "The files stay where they are until a worker runs.";
    RunOverdue: "run-overdue", "A run is overdue", Nobody, Event,
        means "a run that should have started did not, or does not finish",
        do "see whether `strongroom run` or its timer still runs; `strongroom status`",
        meanwhile "Nothing new is backed up until a run starts.";
    JobFailed: "job-failed", "A job did not do its work", Nobody, Monitor,
        means "a job's last run failed in a way that it does not get over by itself, or left out some of the files",
        do "`strongroom job show` says what happened and what to do; then `strongroom job run`",
        meanwhile "The job's earlier copy stays as it is. The schedule goes on.";
    JobObstructed: "job-obstructed", "A job cannot be done now", Nobody, Monitor,
        means "a job's target is missing, full or another one, or its plugin was changed: nothing was written",
        do "do as the alarm says: mount the target, make room, accept the plugin; the job goes on by itself",
        meanwhile "Nothing is written for that job until then. Other jobs go on.";
    JobStalled: "job-stalled", "A job's tool says nothing", Nobody, Event,
        means "the tool of a job's run has said nothing for the job's `stall` time: it may wait for a disk, a network, or an answer that nobody gives",
        do "look at the tool on the job's host; `strongroom job cancel` ends it, and the job's `timeout` does in any case",
        meanwhile "The run goes on. No other run of that job starts.";
    JobOverdue: "job-overdue", "A job is overdue", Nobody, Monitor,
        means "a run that a job's schedule expects did not start, or does not end",
        do "see whether `strongroom run` or `strongroom transfer` works on the job's host: `strongroom status`",
        meanwhile "The job's copy is as old as its last run.";
    ProofOverdue: "proof-overdue", "A job's last whole proof is too old", Nobody, Monitor,
        means "the last proof of all files of a job's copy is older than its `max_age` allows, or there was none yet",
        do "`strongroom job run --prove` proves it now; `strongroom job show` says why the last proofs were not whole",
        meanwhile "The copy may be good: nobody has shown it for that long.";
    HostSilent: "host-silent", "A host is not heard from", Nobody, Monitor,
        means "no process that runs a host's jobs has given a sign of life for `watch.host_silent_after`",
        do "see that the host is on and that `strongroom transfer` works there; a host that is gone for good: `strongroom host retire`",
        meanwhile "The jobs of that host are not done.";
    DriveDue: "drive-due", "A drive is due", Nobody, Monitor,
        means "the copies on a drive were last read back longer ago than `custody.evidence_fresh_for` allows, and the drive was not handed over, lost or retired",
        do "mount it: what is due is read back by itself; or `strongroom drive verify`",
        meanwhile "Its copies do not count for a purge.";
    MonitorSilent: "monitor-silent", "Nobody watched the jobs for a while", Nobody, Monitor,
        means "the monitor did not look for longer than `watch.monitor_silent_after`: what was due in that time is judged only now",
        do "see that `strongroom monitor` or `strongroom run` keeps running; the alarm names the time that nobody watched",
        meanwhile "It watches again. Alarms about that time may be late.";
    ClockWrong: "clock-wrong", "A clock is wrong", Nobody, Event,
        means "this host's clock differs by more than five minutes from the document server's, or from the newest event of the log",
        do "set both clocks by NTP (`timedatectl set-ntp true`); what was put off by the wrong clock is done as soon as it is right",
        meanwhile "Runs and summaries go on by this host's clock. Times in the log, and the months on the drive, may be wrong.";
    ManyRelays: "many-relays", "More than one relay hands work out", Nobody, Watch,
        means "several relays have published the same work for longer than one takes over from another: their login may not configure on the broker, so that none of them holds the queue that keeps the others waiting",
        do "let the relay's user configure on the broker, as `deploy/rabbitmq/users.json` shows, or run one relay; `strongroom status` names those that are active",
        meanwhile "Work is delivered more than once and done once: the log decides. It costs messages and time.";
    MessageParked: "message-parked", "Messages were put aside", Nobody, Relay,
        means "messages that cannot be understood were put aside",
        do "`strongroom queue parked` shows them; the log has their work and delivers it again",
        meanwhile "The log has their work and delivers it again. The rest goes on.";
    ServerForgot: "server-forgot", "The document server has forgotten backups", Nobody, Event,
        means "the server offers bookings that were reported as backed up: perhaps it was restored from an old copy",
        do "find out what happened there; `strongroom retry` reports them again, with their proofs",
        meanwhile "Their copies are proven and stay on the drive. Nothing is copied again.";
    FilesUnknown: "files-unknown", "The drive holds files that this log does not know", Nobody, Event,
        means "a month's folder on the drive holds files that this log does not know and no manifest lists: a log that was lost may have proven them, and the server may have no other copy but the one in `archived`; see [Files that no log knows](#files-that-no-log-knows)",
        do "restore the lost log; or put a good manifest of that month into the quarantine and start again, which reads the files back and lists what is right; or move them out of the month's folder",
        meanwhile "They stay where they are. New copies are written, proven and listed beside them.";
    RecordWrong: "record-wrong", "A file on the server differs from its record", Nobody, Event,
        means "a file on the server is not what its own record says: it arrived twice with the same wrong digest, or it was changed after its copy was proven and is not moved to `archived`",
        do "compare the file with what was uploaded; upload the right one, then `strongroom retry`",
        meanwhile "The file stays on the server. All other files go on.";
}

impl AlarmKind {
    /// The kind with that code, if known.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// Whether that stage pauses, rather than failing every task.
    #[must_use]
    pub const fn pauses(self, stage: StageName) -> bool {
        match self.blocks() {
            Blocks::Drive => matches!(stage, StageName::Fetch | StageName::Verify),
            Blocks::Incoming => matches!(stage, StageName::Fetch),
            Blocks::Server => {
                matches!(stage, StageName::Enumerate | StageName::Fetch | StageName::Archive | StageName::Purge)
            }
            Blocks::Delivery | Blocks::Log | Blocks::Nobody => false,
        }
    }

    /// Whether it is local to a host, like a mount point: the same name elsewhere is another.
    #[must_use]
    pub const fn is_of_one_host(self) -> bool {
        matches!(self.blocks(), Blocks::Drive | Blocks::Incoming)
    }

    /// Whether that stage can clear it. A failed readiness check: any paused stage; failed work: the stage that raised
    /// it, or any paused one if none did (`run`, say).
    #[must_use]
    pub fn is_ended_by(self, stage: StageName, raised_by: &str) -> bool {
        let is_anothers = StageName::ALL.iter().any(|other| other.name() == raised_by && self.pauses(*other));
        let is_theirs = is_anothers && raised_by != stage.name();
        self.pauses(stage) && (self.cleared_by() == ClearedBy::Opening || !is_theirs)
    }

    /// Whether it explains an unfinished run.
    #[must_use]
    pub const fn holds_up_runs(self) -> bool {
        !matches!(self.blocks(), Blocks::Nobody)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_what_the_log_holds() {
        for kind in AlarmKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.code());
            assert_eq!(AlarmKind::of_code(kind.code()), Some(*kind));
        }
        assert_eq!(AlarmKind::of_code("of-a-later-version"), None);
    }

    #[test]
    fn readiness_clears_what_readiness_found_and_work_what_work_found() {
        use StageName::{Archive, Fetch, Verify};
        let missing = AlarmKind::DriveMissing;
        assert!(missing.is_ended_by(Fetch, "verify") && missing.is_ended_by(Verify, "run"));
        assert!(!missing.is_ended_by(Archive, "run"), "it does not look at the drive");
        let failing = AlarmKind::DriveFailing;
        assert!(failing.is_ended_by(Verify, "verify") && failing.is_ended_by(Verify, "drive"));
        assert!(!failing.is_ended_by(Fetch, "verify"), "fetch has not read that copy back");
        let full = AlarmKind::DriveFull;
        assert!(full.is_ended_by(Fetch, "fetch") && full.is_ended_by(Fetch, "run"));
        assert!(!full.is_ended_by(Verify, "run"), "it needs no room");
        assert!(!AlarmKind::RecordWrong.is_ended_by(Verify, "verify"));
    }

    #[test]
    fn no_two_kinds_share_a_title_and_each_says_what_to_do() {
        let titles: std::collections::BTreeSet<_> = AlarmKind::ALL.iter().map(|kind| kind.title()).collect();
        assert_eq!(titles.len(), AlarmKind::ALL.len());
        for kind in AlarmKind::ALL {
            assert!(!kind.meaning().is_empty() && !kind.step().is_empty() && kind.meanwhile().ends_with('.'));
        }
    }
}
