//! A log in a SQLite file, and whoever may write that file.

use std::process::Command;

use strongroom_eventlog::EventLog;

use crate::backend::Backend;
use crate::sample::site;

pub(crate) struct Sqlite {
    folder: tempfile::TempDir,
}

const TAMPER: &str = "\
import sqlite3, sys
log = sqlite3.connect(sys.argv[1])
guards = log.execute(\"SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'\").fetchall()
for (name, _) in guards:
    log.execute(f'DROP TRIGGER \"{name}\"')
log.executescript(sys.argv[2])
for (_, sql) in guards:
    log.execute(sql)
log.commit()
";

const EXECUTE: &str = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])";

impl Sqlite {
    fn python(&self, script: &str, sql: &str) {
        let path = self.folder.path().join("log.db");
        let ended = Command::new("python3").args(["-c", script]).arg(path).arg(sql).output().unwrap();
        assert!(ended.status.success(), "{sql}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

impl Backend for Sqlite {
    async fn fresh() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    async fn open(&self) -> EventLog {
        EventLog::open_sqlite(&self.folder.path().join("log.db"), &site()).await.unwrap()
    }

    fn tamper(&self, sql: &str) {
        self.python(TAMPER, sql);
    }

    fn execute(&self, sql: &str) {
        self.python(EXECUTE, sql);
    }

    fn bytes(bytes: &[u8]) -> String {
        format!("x'{}'", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    const DROP_GUARD: &'static str = "DROP TRIGGER event_is_never_changed";

    const REPLACE_GUARD: &'static str = "DROP TRIGGER event_is_never_changed;
        CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event WHEN false BEGIN
            SELECT RAISE(ABORT, 'events are never changed');
        END";
}
