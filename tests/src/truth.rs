//! The table of truth: what each place says when a part of a site is dead. `docs/operations.md` has it as a table, and
//! `tests/tests/workers/dead.rs` kills or cuts each part in turn and compares.

/// Where a person or a program looks, in the order of a row's cells.
pub const PLACES: [&str; 8] =
    ["`status`", "`doctor`", "`/healthz`", "`/readyz`", "`/metrics`", "alert rule", "journal", "mail"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// It says that, or lines with all of that where a ` … ` stands between.
    Says(&'static str),
    /// It says nothing, and why that is not a false "well".
    Silent(&'static str),
}

/// What is dead or cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dead {
    Process(&'static str),
    Postgres,
    /// The disk of the log's database is full.
    LogDisk,
    RabbitMq,
    DocumentServer,
    MailServer,
    Drive,
    /// The hosts' clock is an hour ahead.
    Clock,
}

#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub dead: Dead,
    /// The same, for people.
    pub what: &'static str,
    /// What each of [`PLACES`] says.
    pub cells: [Cell; 8],
}

use Cell::{Says, Silent};

const ALIVE: Cell = Silent("200: the processes live, and a new start would not help");
const WORKS_ON: Cell = Silent("200: all work goes on, also by a wrong clock");

const fn process(dead: &'static str, what: &'static str, cells: [Cell; 6]) -> Row {
    let [status, doctor, metrics, rule, journal, mail] = cells;
    let cells = [status, doctor, Says("no answer"), Says("no answer"), metrics, rule, journal, mail];
    Row { dead: Dead::Process(dead), what, cells }
}

pub const ROWS: [Row; 13] = [
    process(
        "relay",
        "the relay",
        [
            Says("no relay hands work out: none has given a sign of life since"),
            Says("no relay hands work out"),
            Says("strongroom_missing role=\"relay\" 1"),
            Says("StrongroomNoRelay"),
            Says("alarm raised … no-relay"),
            Says("No relay hands work out"),
        ],
    ),
    process(
        "enumerate",
        "`enumerate`, which keeps the schedule",
        [
            Says("a run was due at"),
            Says("a run was due at"),
            Says("strongroom_processes role=\"enumerate\" 0"),
            Says("StrongroomRoleGone"),
            Says("alarm raised … run-overdue"),
            Says("A run is overdue"),
        ],
    ),
    process(
        "fetch",
        "every `fetch`, and work waits",
        [
            Says("to be fetched, and no fetch worker takes it"),
            Says("no fetch worker takes it"),
            Says("strongroom_missing role=\"fetch\" 1"),
            Says("StrongroomMissing"),
            Says("alarm raised … no-worker"),
            Says("no fetch worker takes it"),
        ],
    ),
    process(
        "verify",
        "every `verify`, and work waits",
        [
            Says("to be proven, and no verify worker for drive"),
            Says("no verify worker for drive"),
            Says("strongroom_missing role=\"verify\" 1"),
            Says("StrongroomMissing"),
            Says("alarm raised … no-worker"),
            Says("no verify worker for drive"),
        ],
    ),
    process(
        "archive",
        "every `archive`, and work waits",
        [
            Says("to be archived, and no archive worker takes it"),
            Says("no archive worker takes it"),
            Says("strongroom_missing role=\"archive\" 1"),
            Says("StrongroomMissing"),
            Says("alarm raised … no-worker"),
            Says("no archive worker takes it"),
        ],
    ),
    process(
        "notify",
        "`notify`",
        [
            Says("no notify worker mails"),
            Says("no notify worker mails"),
            Says("strongroom_missing role=\"notify\" 1"),
            Says("StrongroomMissing"),
            Says("alarm raised … no-worker"),
            Silent(
                "nobody is left who mails: the summary that does not come says it, and whoever looks at the other places",
            ),
        ],
    ),
    Row {
        dead: Dead::Postgres,
        what: "Postgres",
        cells: [
            Says("cannot be opened"),
            Says("cannot be opened"),
            ALIVE,
            Says("\"check\":\"log\""),
            Says("strongroom_log_reachable 0"),
            Says("StrongroomLogAway"),
            Says("nothing can be recorded in the log"),
            Says("The event log cannot be written"),
        ],
    },
    Row {
        dead: Dead::LogDisk,
        what: "the disk of Postgres, which is full",
        cells: [
            Says("nothing can be recorded in the log … No space left on device"),
            Says("BAD   log … No space left on device"),
            ALIVE,
            Says("\"check\":\"log\" … No space left on device"),
            Says("strongroom_log_reachable 0"),
            Says("StrongroomLogAway"),
            Says("nothing can be recorded in the log … No space left on device"),
            Says("The event log cannot be written"),
        ],
    },
    Row {
        dead: Dead::RabbitMq,
        what: "RabbitMQ",
        cells: [
            Says("alarm broker-unreachable"),
            Says("BAD   broker"),
            ALIVE,
            Says("\"check\":\"broker\""),
            Says("strongroom_broker_connected 0"),
            Says("StrongroomBrokerLost"),
            Says("alarm raised … broker-unreachable"),
            Says("The message broker cannot be used"),
        ],
    },
    Row {
        dead: Dead::DocumentServer,
        what: "the document server",
        cells: [
            Says("how many wait on the server is unknown"),
            Says("BAD   document server"),
            ALIVE,
            Says("\"check\":\"document server\""),
            Says("strongroom_server_reachable 0"),
            Says("StrongroomServerAway"),
            Says("alarm raised … server-unreachable"),
            Says("The document server does not answer"),
        ],
    },
    Row {
        dead: Dead::MailServer,
        what: "the mail server",
        cells: [
            Says("a mail could not be handed over"),
            Says("BAD   mail"),
            ALIVE,
            Says("\"check\":\"mail server\""),
            Says("strongroom_mail_failing 1"),
            Says("StrongroomMailStuck"),
            Says("task failed … mail-unreachable"),
            Silent(
                "there is no way for one: the summary that does not come says it, and whoever looks at the other places",
            ),
        ],
    },
    Row {
        dead: Dead::Drive,
        what: "the drive, which is unplugged",
        cells: [
            Says("alarm drive-missing"),
            Says("BAD   drive"),
            ALIVE,
            Says("\"check\":\"drive\""),
            Says("strongroom_alarms_raised kind=\"drive-missing\" 1"),
            Says("StrongroomAlarm"),
            Says("alarm raised … drive-missing"),
            Says("The drive is missing"),
        ],
    },
    Row {
        dead: Dead::Clock,
        what: "the hosts' clock, which is an hour ahead",
        cells: [
            Says("alarm clock-wrong"),
            Says("BAD   clock"),
            ALIVE,
            WORKS_ON,
            Says("strongroom_alarms_raised kind=\"clock-wrong\" 1"),
            Says("StrongroomAlarm"),
            Says("alarm raised … clock-wrong"),
            Says("A clock is wrong"),
        ],
    },
];

/// The table for people.
pub fn table() -> String {
    let mut table = format!("| what is dead | {} |\n|{}\n", PLACES.join(" | "), " --- |".repeat(PLACES.len() + 1));
    for row in ROWS {
        let cells = row.cells.map(|cell| match cell {
            Says(text) => format!("`{}`", text.trim().replace('|', "\\|")),
            Silent(why) => format!("– ({why})"),
        });
        table.push_str(&format!("| {} | {} |\n", row.what, cells.join(" | ")));
    }
    table
}
