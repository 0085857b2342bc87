//! Errors of the records.

use std::path::PathBuf;

use sqlx::migrate::MigrateError;
use strongroom_files::Call;

use crate::trouble::DiskTrouble;

/// SQLite's primary result code for a lock of another connection.
const SQLITE_BUSY: u32 = 5;
/// The same within this process.
const SQLITE_LOCKED: u32 = 6;
/// SQLite's primary result codes for trouble with the disk or the process.
const SQLITE_TROUBLES: [(u32, DiskTrouble); 5] = [
    (7, DiskTrouble::Memory),
    (8, DiskTrouble::ReadOnly),
    (10, DiskTrouble::Failing),
    (13, DiskTrouble::Full),
    (14, DiskTrouble::Gone),
];
/// The index of the write-ahead log could not grow.
const SQLITE_IOERR_SHMSIZE: u32 = 10 | 19 << 8;
/// Postgres's codes for the same.
const POSTGRES_TROUBLES: [(&str, DiskTrouble); 4] = [
    ("53100", DiskTrouble::Full),
    ("58030", DiskTrouble::Failing),
    // A standby, or a server that its owner made read-only.
    ("25006", DiskTrouble::ReadOnly),
    ("53200", DiskTrouble::Memory),
];

pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// The records could not be read or written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum StoreError {
    #[error("cannot open the server's database {path}: check that its folder exists and may be written")]
    File { path: PathBuf, source: std::io::Error },
    #[error("cannot write {path} beside the server's database")]
    Room { path: PathBuf, source: std::io::Error },
    #[error(
        "cannot use {path} as the server's database: see that it is one, that its disk has room and that this user may write there"
    )]
    Open { path: PathBuf, source: sqlx::Error },
    #[error("the server's database URL is not a Postgres URL: write postgres://user:password@host:5432/database")]
    Url(#[source] sqlx::Error),
    #[error("{}", .why.message(.place, .user))]
    Postgres { place: String, user: String, why: Unusable, source: Option<sqlx::Error> },
    #[error("cannot bring the server's database {place} up to date; it may be of a newer version of strongroom")]
    Migrate { place: String, source: Box<MigrateError> },
    #[error("the server's database refused a statement")]
    Statement(#[from] sqlx::Error),
}

/// Why a Postgres database cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Unusable {
    Unreachable,
    Login,
    NoDatabase,
    Encoding(String),
    Pooler,
    NoSchema,
    Refused,
}

impl Unusable {
    fn message(&self, place: &str, user: &str) -> String {
        match self {
            Self::Unreachable => format!(
                "cannot reach the server's database {place}: check that Postgres runs there, and the URL's host and port"
            ),
            Self::Login => {
                format!("the server's database {place} refuses the user {user}: check the URL's user and password")
            }
            Self::NoDatabase => {
                format!("there is no database {place}: create it (createdb --owner={user} …), or correct the URL")
            }
            Self::Encoding(encoding) => format!(
                "the database {place} has the encoding {encoding}, in which many names of files cannot be written: make one \
                 with the encoding UTF8"
            ),
            Self::Pooler => format!(
                "a pooler (PgBouncer, say) stands before the server's database {place} and does not pass on what a session \
                 needs: name Postgres itself, or a pool in session mode that passes every setting on"
            ),
            Self::NoSchema => format!(
                "the user {user} may not make the schema strongroom_server in the database {place}: grant it CREATE on the \
                 database, or create the schema for it (CREATE SCHEMA strongroom_server AUTHORIZATION …)"
            ),
            Self::Refused => format!("the server's database {place} takes no connection"),
        }
    }
}

impl StoreError {
    /// Whether another process is in the way. SQLite waits for it by itself, except while the write-ahead log is
    /// begun, ended or recovered. The second process to create the tables finds them there.
    pub(crate) fn is_busy(&self) -> bool {
        let error = match self {
            Self::Open { source, .. } | Self::Statement(source) => source,
            Self::Migrate { source, .. } => match &**source {
                MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error,
                _ => return false,
            },
            _ => return false,
        };
        error.as_database_error().is_some_and(|error| {
            let code = error.code().and_then(|code| code.parse::<u32>().ok());
            code.is_some_and(|code| code & 0xFF == SQLITE_BUSY) || error.message().ends_with("already exists")
        })
    }

    /// Whether the database is temporarily away or overloaded.
    pub(crate) fn is_away(&self) -> bool {
        match self {
            Self::Postgres { why, .. } => *why == Unusable::Unreachable,
            Self::Statement(error) => is_away(error) || sqlite_code(error).is_some_and(is_locked),
            _ => false,
        }
    }

    /// The trouble, if the disk or the process is at fault.
    pub(crate) fn trouble(&self) -> Option<DiskTrouble> {
        let error = match self {
            Self::File { source, .. } | Self::Room { source, .. } => return DiskTrouble::of(Call::Create, source),
            Self::Open { source, .. } | Self::Statement(source) => source,
            _ => return None,
        };
        if let Some(code) = sqlite_code(error) {
            if code == SQLITE_IOERR_SHMSIZE {
                return Some(DiskTrouble::Full);
            }
            return SQLITE_TROUBLES.into_iter().find(|(known, _)| code & 0xFF == *known).map(|(_, trouble)| trouble);
        }
        let code = error.as_database_error()?.code()?;
        POSTGRES_TROUBLES.into_iter().find(|(known, _)| code == *known).map(|(_, trouble)| trouble)
    }
}

/// SQLite's extended result code.
fn sqlite_code(error: &sqlx::Error) -> Option<u32> {
    let error = error.as_database_error()?.try_downcast_ref::<sqlx::sqlite::SqliteError>()?;
    sqlx::error::DatabaseError::code(error)?.parse().ok()
}

const fn is_locked(code: u32) -> bool {
    matches!(code & 0xFF, SQLITE_BUSY | SQLITE_LOCKED)
}

/// Whether Postgres is unreachable, starting, stopping, or out of connections.
pub(crate) fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // Postgres's classes "connection exception", "insufficient resources" and "operator intervention".
            ["08", "53", "57"].iter().any(|class| code.len() == 5 && code.starts_with(class))
        }),
        _ => false,
    }
}
