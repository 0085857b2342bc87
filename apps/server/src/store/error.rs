//! What may go wrong with the records.

use std::path::PathBuf;

use sqlx::migrate::MigrateError;

use super::Place;

/// SQLite's primary result code for a database that another connection has locked.
const SQLITE_BUSY: u32 = 5;

/// What every part of the store gives.
pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// The records could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database's file cannot be made or opened.
    #[error("cannot open the server's database {path}: check that its folder exists and may be written")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite does not take the file for one of its own, or cannot write it.
    #[error("cannot use {path} as the server's database")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// The Postgres URL is none.
    #[error("the server's database URL is none of Postgres: write postgres://user:password@host:5432/database")]
    Url(#[source] sqlx::Error),
    /// Postgres does not answer.
    #[error("cannot reach the server's database {place}: check that Postgres runs there, and the URL's host and port")]
    Unreachable {
        /// Where it is meant to be.
        place: Place,
        /// Why.
        source: sqlx::Error,
    },
    /// Postgres does not let the user in.
    #[error("the server's database {place} refuses the user {user}: check the URL's user and password")]
    Login {
        /// Where it is.
        place: Place,
        /// Who was refused.
        user: String,
        /// Why.
        source: sqlx::Error,
    },
    /// Postgres has no such database.
    #[error("there is no database {place}: create it (createdb --owner={user} …), or correct the URL")]
    NoDatabase {
        /// Where it is meant to be.
        place: Place,
        /// Whose it should be.
        user: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The user may not make the schema.
    #[error(
        "the user {user} may not make the schema strongroom_server in the database {place}: \
         grant it CREATE on the database, or create the schema for it (CREATE SCHEMA strongroom_server AUTHORIZATION …)"
    )]
    NoSchema {
        /// Where it is.
        place: Place,
        /// Who may not.
        user: String,
        /// Why.
        source: sqlx::Error,
    },
    /// Postgres has no connection left, is starting or ending, or wants something else.
    #[error("the server's database {place} takes no connection")]
    Refused {
        /// Where it is.
        place: Place,
        /// Why.
        source: sqlx::Error,
    },
    /// The tables cannot be brought to this version's form.
    #[error("cannot bring the server's database {place} up to date; it may be of a newer version of strongroom")]
    Migrate {
        /// Where the database is.
        place: Place,
        /// Why.
        source: Box<MigrateError>,
    },
    /// A statement failed; nothing of its transaction was stored.
    #[error("the server's database refused a statement")]
    Statement(#[from] sqlx::Error),
}

impl StoreError {
    /// Whether another process is in the way. SQLite waits for it by itself, but not while the
    /// write-ahead log is begun, ended or recovered; and who is second to make the tables finds
    /// them there.
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

    /// Whether the database is away or overloaded for a while: trying again later may help.
    pub(crate) fn is_away(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Statement(error) => is_away(error),
            _ => false,
        }
    }
}

/// Whether Postgres does not answer, is just starting or ending, or has no connection left.
pub(crate) fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // Postgres's classes "connection exception", "insufficient resources" and
            // "operator intervention".
            ["08", "53", "57"].iter().any(|class| code.len() == 5 && code.starts_with(class))
        }),
        _ => false,
    }
}
