//! What can go wrong with a log, and what is known to be stored when it does.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use strongroom_model::envelope::EnvelopeError;
use strongroom_model::{EventId, Expected, Position, SiteId, StreamName, Version};

/// What the database said. Which database that is, is not the callers' business.
#[derive(Debug, Clone)]
pub struct StorageError(Arc<sqlx::Error>);

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        Self(Arc::new(error))
    }
}

impl StorageError {
    /// Whether the disk of the database is full.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        match &*self.0 {
            sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::StorageFull,
            // SQLITE_FULL (https://sqlite.org/rescode.html), and Postgres' disk_full.
            sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("13" | "53100")),
            _ => false,
        }
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            sqlx::Error::Database(error) => f.write_str(error.message()),
            other => other.fmt(f),
        }
    }
}

impl std::error::Error for StorageError {}

/// Why a log could not be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such file, and a reader makes none.
    #[error("there is no event log at {}: nothing has run for this site yet, or the path is wrong", .0.display())]
    Missing(PathBuf),
    /// The folder for it could not be made.
    #[error("the folder {} for the event log cannot be made", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is something else.
    #[error("{} is not an event log ({why}): name another file, this one is left as it is", .path.display())]
    NotALog {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        why: &'static str,
    },
    /// The log belongs to somebody else.
    #[error("{} is the event log of site {found:?}, not of {wanted}: check the site's name in the configuration, or name another file", .path.display())]
    OtherSite {
        /// The file.
        path: PathBuf,
        /// Whose log it is.
        found: String,
        /// Whose was asked for.
        wanted: SiteId,
    },
    /// A newer version of this program made it.
    #[error("{} has schema {found}, this version knows none after {known}: upgrade strongroom on this host", .path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema's number.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// An older version made it, and a reader does not migrate.
    #[error("{} has the older schema {found}, this version reads {known}: start the pipeline once, which brings it up to date", .path.display())]
    OlderSchema {
        /// The file.
        path: PathBuf,
        /// Its schema's number.
        found: i64,
        /// The one that is needed.
        known: i64,
    },
    /// A process that wrote to it was cut off, and the reader may not put in order what it
    /// left beside the log.
    #[error("{} was left in the middle of its work, and this user may not write in its folder: open it once as the user that the pipeline runs as", .0.display())]
    NeedsRecovery(PathBuf),
    /// The URL of a database is none. It is not shown, since it may hold a password.
    #[error("the URL of the event log's database is none: write it as postgres://user@host:5432/database")]
    Url,
    /// The database has no event log, or an older version's.
    #[error("{}: run `strongroom log migrate` as the database's owner", describe_schema(.database, *.found, *.known))]
    NotMigrated {
        /// The database's name and where it is.
        database: String,
        /// Its schema's number.
        found: Option<i64>,
        /// The one that is needed.
        known: i64,
    },
    /// A newer version of this program migrated the database.
    #[error(
        "the database {database} has schema {found}, this version knows none after {known}: upgrade strongroom on this host"
    )]
    NewerDatabase {
        /// The database's name and where it is.
        database: String,
        /// Its schema's number.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// The database has no log of that site, and a reader makes none.
    #[error(
        "the database {database} has no event log of {site}: nothing has run for this site yet, or it is another database"
    )]
    NoLog {
        /// The database's name and where it is.
        database: String,
        /// Whose log was asked for.
        site: SiteId,
    },
    /// The user lacks rights.
    #[error(
        "{user} may not do that in the database {database}: let its owner run `GRANT strongroom_writer TO {user}`, or strongroom_auditor for one who only reads; to migrate, log in as the owner"
    )]
    NoRights {
        /// The database's name and where it is.
        database: String,
        /// Who logged in.
        user: String,
        /// What the database said.
        #[source]
        source: StorageError,
    },
    /// The user may write to other sites' logs, or to none yet.
    #[error(
        "{user} may not write to the log of site {site} in the database {database}: let its owner run `strongroom log migrate --writer {user}` with that site's configuration"
    )]
    OtherSitesWriter {
        /// The database's name and where it is.
        database: String,
        /// Who logged in.
        user: String,
        /// Whose log it is.
        site: SiteId,
    },
    /// The database cannot hold every name.
    #[error(
        "the database {database} has the encoding {found}, which cannot hold every file's name: make one with UTF8 (`createdb --encoding=UTF8 --template=template0`) and name that"
    )]
    Encoding {
        /// The database's name and where it is.
        database: String,
        /// Its encoding.
        found: String,
    },
    /// Something between us and Postgres hands out connections.
    #[error(
        "a pooler (PgBouncer, say) stands before the database {database} and does not pass on what a session needs: name Postgres itself, or a pool in session mode that passes every setting on"
    )]
    Pooler {
        /// The database's name and where it is.
        database: String,
    },
    /// The server cannot prove who it is.
    #[error(
        "the server of the database {database} did not prove by TLS who it is, so it gets no password: give it a certificate for that name and its authority with `?sslrootcert=FILE`, or end the address with `?sslmode=require` (anybody in between may read along) or `?sslmode=disable`"
    )]
    NoTls {
        /// The database's name and where it is.
        database: String,
        /// What is wrong with its certificate, or that it has none.
        #[source]
        source: StorageError,
    },
    /// The database cannot be reached or set up.
    #[error("the event log in the database {database} cannot be opened")]
    Database {
        /// The database's name and where it is.
        database: String,
        /// What the database said.
        #[source]
        source: StorageError,
    },
    /// The database could not be opened or set up.
    #[error("the event log {} cannot be opened", .path.display())]
    Storage {
        /// The file.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: StorageError,
    },
}

fn describe_schema(database: &str, found: Option<i64>, known: i64) -> String {
    match found {
        None => format!("the database {database} has no event log yet"),
        Some(found) => format!("the database {database} has the older schema {found}, this version needs {known}"),
    }
}

/// Why a log could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// The database failed.
    #[error("the event log cannot be read or written")]
    Storage(#[from] StorageError),
    /// What is stored cannot be right.
    #[error("the event log is damaged at position {position} ({reason}): run `strongroom log verify`")]
    Damaged {
        /// Where.
        position: Position,
        /// How it shows.
        reason: &'static str,
    },
    /// An event that this version cannot read.
    #[error("the event at position {position} cannot be read")]
    Undecodable {
        /// Where.
        position: Position,
        /// Why.
        #[source]
        source: Arc<EnvelopeError>,
    },
    /// A stream with more events than one can have: something writes in a loop.
    #[error("{0} has too many events to read at once")]
    StreamTooLong(StreamName),
    /// Other writers moved the log on each time that a group was to be stored.
    #[error("other writers were always first: try again")]
    Crowded,
    /// The log was opened for reading only.
    #[error("the event log was opened for reading only")]
    ReadOnly,
    /// The log was closed.
    #[error("the event log was closed")]
    Closed,
}

impl LogError {
    /// Whether it is one stream that cannot be read, rather than the log.
    #[must_use]
    pub const fn is_about_one(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Undecodable { .. } | Self::StreamTooLong(_))
    }
}

impl From<sqlx::Error> for LogError {
    fn from(error: sqlx::Error) -> Self {
        StorageError::from(error).into()
    }
}

/// That nothing could be stored for a while.
#[derive(Debug, Clone)]
pub struct Unwritable {
    /// Since when.
    pub since: std::time::Instant,
    /// Why, in the database's words.
    pub reason: String,
    /// Whether its disk is full.
    pub is_disk_full: bool,
}

/// Why an append did not succeed, and what became of its events: after
/// [`AppendError::Unknown`] they may be in the log, after any other error none of them is.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// Somebody else was first: the stream is not as the append expects it.
    #[error("{stream} {}, but {}: nothing was stored", describe(*.actual), describe_expected(*.expected))]
    Conflict {
        /// The stream.
        stream: StreamName,
        /// What the append expected.
        expected: Expected,
        /// The stream's last version; `None` where it has no event.
        actual: Option<Version>,
    },
    /// An event with that id is in the log already.
    #[error("an event with the id {0} is in the log already: nothing was stored")]
    DuplicateId(EventId),
    /// An event that could never be read back, or that is not of its stream's kind.
    #[error("an event for {stream} cannot be stored: {reason}")]
    Unusable {
        /// Its stream.
        stream: StreamName,
        /// What is wrong with it.
        reason: String,
    },
    /// More than one append may hold.
    #[error("an append of {events} events and {bytes} bytes is too large: nothing was stored")]
    TooLarge {
        /// How many events it has.
        events: usize,
        /// How many bytes they have, as far as was counted.
        bytes: usize,
    },
    /// The log was opened for reading only.
    #[error("the event log was opened for reading only: nothing was stored")]
    ReadOnly,
    /// The log was closed before the append was taken.
    #[error("the event log was closed: nothing was stored")]
    Closed,
    /// The database failed before the commit.
    #[error("nothing was stored")]
    NotStored(#[source] LogError),
    /// The database failed at the commit, or the appender did not live to answer.
    #[error("it is unknown whether the events were stored: read the stream again to find out")]
    Unknown(#[source] Option<StorageError>),
}

fn describe(actual: Option<Version>) -> String {
    actual.map_or_else(|| "has no event".to_owned(), |version| format!("is at version {version}"))
}

fn describe_expected(expected: Expected) -> String {
    match expected {
        Expected::New => "was expected to have none".to_owned(),
        Expected::After(version) => format!("was expected at version {version}"),
    }
}

impl AppendError {
    /// Whether somebody else appended to the stream first, so that the work that led to
    /// this append is superseded.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }
}
