//! Errors, and what is known to be stored afterwards.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use strongroom_model::envelope::EnvelopeError;
use strongroom_model::{EventId, Expected, Position, SiteId, StreamName, Version};

/// A database error, whatever the database.
#[derive(Debug, Clone)]
pub struct StorageError(Arc<sqlx::Error>);

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        Self(Arc::new(error))
    }
}

impl StorageError {
    /// Whether the database's disk is full.
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

/// Why a log was not opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each is")]
pub enum OpenError {
    /// The file is missing, and a reader creates none.
    #[error("there is no event log at {}: nothing has run for this site yet, or the path is wrong", .0.display())]
    Missing(PathBuf),
    #[error("the folder {} for the event log cannot be made", .path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("{} is not an event log ({why}): name another file, this one is left as it is", .path.display())]
    NotALog { path: PathBuf, why: &'static str },
    #[error("{} is the event log of site {found:?}, not of {expected}: check the site's name in the configuration, or name another file", .path.display())]
    OtherSite { path: PathBuf, found: String, expected: SiteId },
    #[error("{} has schema {found}, this version supports up to {known}: upgrade strongroom on this host", .path.display())]
    NewerSchema { path: PathBuf, found: i64, known: i64 },
    /// An older version's schema, and a reader does not migrate.
    #[error("{} has the older schema {found}, this version reads {known}: start the pipeline once, which brings it up to date", .path.display())]
    OlderSchema { path: PathBuf, found: i64, known: i64 },
    /// A writer was killed, and a reader may not recover its leftovers.
    #[error("{} was left in the middle of its work, and this user may not write in its folder: open it once as the user that the pipeline runs as", .0.display())]
    NeedsRecovery(PathBuf),
    /// Not a database URL; not shown, as it may hold a password.
    #[error("the URL of the event log's database is malformed: write it as postgres://user@host:5432/database")]
    Url,
    #[error("{}: run `strongroom log migrate` as the database's owner", describe_schema(.database, *.found, *.known))]
    NotMigrated { database: String, found: Option<i64>, known: i64 },
    #[error(
        "the database {database} has schema {found}, this version supports up to {known}: upgrade strongroom on this host"
    )]
    NewerDatabase { database: String, found: i64, known: i64 },
    /// The site has no log there, and a reader begins none.
    #[error(
        "the database {database} has no event log of {site}: nothing has run for this site yet, or it is another database"
    )]
    NoLog { database: String, site: SiteId },
    #[error(
        "{user} may not do that in the database {database}: let its owner run `GRANT strongroom_writer TO {user}`, or strongroom_auditor for one who only reads; to migrate, log in as the owner"
    )]
    NoRights { database: String, user: String, source: StorageError },
    #[error(
        "{user} may not write to the log of site {site} in the database {database}: let its owner run `strongroom log migrate --writer {user}` with that site's configuration"
    )]
    OtherSitesWriter { database: String, user: String, site: SiteId },
    #[error(
        "the database {database} has the encoding {found}, which cannot hold every file's name: make one with UTF8 (`createdb --encoding=UTF8 --template=template0`) and name that"
    )]
    Encoding { database: String, found: String },
    #[error(
        "a pooler (PgBouncer, say) is in front of the database {database} and does not pass on what a session needs: name Postgres itself, or a pool in session mode that passes every setting on"
    )]
    Pooler { database: String },
    #[error(
        "the server of the database {database} did not prove by TLS who it is, so it gets no password: give it a certificate for that name and its authority with `?sslrootcert=FILE`, or end the address with `?sslmode=require` (anybody in between may read along) or `?sslmode=disable`"
    )]
    NoTls { database: String, source: StorageError },
    #[error("the event log in the database {database} cannot be opened")]
    Database { database: String, source: StorageError },
    #[error("the event log {} cannot be opened", .path.display())]
    Storage { path: PathBuf, source: StorageError },
}

fn describe_schema(database: &str, found: Option<i64>, known: i64) -> String {
    match found {
        None => format!("the database {database} has no event log yet"),
        Some(found) => format!("the database {database} has the older schema {found}, this version needs {known}"),
    }
}

/// Why a log could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each is")]
pub enum LogError {
    #[error("the event log cannot be read or written")]
    Storage(#[from] StorageError),
    /// What is stored cannot be right.
    #[error("the event log is damaged at position {position} ({reason}): run `strongroom log verify`")]
    Damaged { position: Position, reason: &'static str },
    #[error("the event at position {position} cannot be read")]
    Undecodable { position: Position, source: Arc<EnvelopeError> },
    /// The stream is too long: something writes in a loop.
    #[error("{0} has too many events to read at once")]
    StreamTooLong(StreamName),
    /// Other writers were first at every try.
    #[error("other writers were always first: try again")]
    Crowded,
    #[error("the event log was opened for reading only")]
    ReadOnly,
    #[error("the event log was closed")]
    Closed,
}

impl LogError {
    /// Whether one stream is unreadable, rather than the log.
    #[must_use]
    pub const fn is_about_one(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Undecodable { .. } | Self::StreamTooLong(_))
    }
}

impl From<sqlx::Error> for LogError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolClosed => Self::Closed,
            other => StorageError::from(other).into(),
        }
    }
}

/// That nothing can be stored, since when and why.
#[derive(Debug, Clone)]
pub struct Unwritable {
    /// Since when.
    pub since: std::time::Instant,
    /// The database's error.
    pub reason: String,
    /// Whether its disk is full.
    pub is_disk_full: bool,
}

/// Why an append failed. After [`AppendError::Unknown`] its events may be in the log, after any other error none is.
#[derive(Debug, Clone, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each is")]
pub enum AppendError {
    /// Somebody else was first: the stream is not at the expected version.
    #[error("{stream} {}, but {}: nothing was stored", describe(*.actual), describe_expected(*.expected))]
    Conflict { stream: StreamName, expected: Expected, actual: Option<Version> },
    #[error("an event with the id {0} is in the log already: nothing was stored")]
    DuplicateId(EventId),
    /// The event could not be read back, or is of another kind of stream.
    #[error("an event for {stream} cannot be stored: {reason}")]
    Unusable { stream: StreamName, reason: String },
    #[error("an append of {events} events and {bytes} bytes is too large: nothing was stored")]
    TooLarge {
        events: usize,
        /// Their size in bytes, as far as counted.
        bytes: usize,
    },
    #[error("the event log was opened for reading only: nothing was stored")]
    ReadOnly,
    /// The log was closed before it took the append.
    #[error("the event log was closed: nothing was stored")]
    Closed,
    /// The database failed before the commit.
    #[error("nothing was stored")]
    NotStored(#[source] LogError),
    /// The database failed at the commit, or the appender died.
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
    /// Whether somebody else was first, so that the work behind this append is superseded.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }
}
