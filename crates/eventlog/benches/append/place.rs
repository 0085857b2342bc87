//! Where the log is.

use std::path::PathBuf;
use std::time::Duration;

use strongroom_eventlog::{EventLog, migrate_postgres};
use strongroom_servers::Postgres;

use crate::cpu;

pub(crate) enum Place {
    Sqlite { folder: tempfile::TempDir },
    Postgres { url: String, server: PathBuf },
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite { folder: tempfile::tempdir().unwrap() }
    }

    /// A fresh database on a server that syncs, as one in use does.
    pub(crate) async fn postgres() -> Self {
        static SERVER: std::sync::OnceLock<Postgres> = std::sync::OnceLock::new();
        let server = SERVER.get_or_init(|| {
            let settings = [("fsync", "on"), ("full_page_writes", "on"), ("synchronous_commit", "on")];
            let memory = [("shared_buffers", "512MB"), ("max_wal_size", "4GB")];
            Postgres::start_with(&[&settings[..], &memory[..]].concat())
        });
        let url = server.database().url;
        migrate_postgres(&url).await.unwrap();
        Self::Postgres { url, server: server.folder().to_owned() }
    }

    pub(crate) async fn open(&self) -> EventLog {
        let site = "bench".parse().unwrap();
        match self {
            Self::Sqlite { folder } => {
                let path: PathBuf = folder.path().join("log.db");
                EventLog::open_sqlite(&path, &site).await.unwrap()
            }
            Self::Postgres { url, .. } => EventLog::open_postgres(url, &site).await.unwrap(),
        }
    }
    /// What the database's own processes have used, where it has some.
    pub(crate) fn cpu(&self) -> Duration {
        match self {
            Self::Sqlite { .. } => Duration::ZERO,
            Self::Postgres { server, .. } => cpu::of_postgres(server),
        }
    }
}
