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
