use std::fmt;
use std::path::{Path, PathBuf};

use strongroom_service::config::ServiceUrl;

/// Where the records are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// An SQLite file, created if missing. It may be below the document root, but not on a network share: SQLite's
    /// write-ahead log needs a local disk.
    Sqlite(PathBuf),
    /// A Postgres database (14 or later), by its URL: `postgres://user:password@host:5432/database`. The user owns
    /// the schema `strongroom_server`, or may create it.
    Postgres(ServiceUrl),
}

impl Database {
    /// The SQLite file.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl From<PathBuf> for Database {
    fn from(path: PathBuf) -> Self {
        Self::Sqlite(path)
    }
}

impl From<&Path> for Database {
    fn from(path: &Path) -> Self {
        Self::Sqlite(path.to_owned())
    }
}

impl From<&PathBuf> for Database {
    fn from(path: &PathBuf) -> Self {
        Self::Sqlite(path.clone())
    }
}

impl From<&Self> for Database {
    fn from(database: &Self) -> Self {
        database.clone()
    }
}

/// A database's location, without any password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseLocation(String);

impl DatabaseLocation {
    pub(crate) fn new(shown: impl fmt::Display) -> Self {
        Self(shown.to_string())
    }
}

impl fmt::Display for DatabaseLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
