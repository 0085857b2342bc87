//! What the suite needs of a database that can hold a log.

use strongroom_eventlog::EventLog;
use strongroom_model::SiteId;

/// One log in one database, which is gone when this is dropped.
pub(crate) trait Backend: Send + Sync + Sized {
    /// A place for a log that does not exist yet.
    async fn fresh() -> Self;

    /// Opens the log, as one more process would.
    async fn open(&self) -> EventLog;

    /// Opens the log for reading only.
    async fn open_read_only(&self) -> EventLog;

    /// Runs statements as an application would: the guards are in force.
    async fn execute(&self, sql: &str) -> Result<(), String>;

    /// Runs statements behind the guards' back, as somebody who owns the machine could.
    async fn tamper(&self, sql: &str);

    /// Bytes as they are written in the database's SQL.
    fn bytes(bytes: &[u8]) -> String;

    /// Statements that must be refused, beyond those that any database knows.
    fn forbidden(&self) -> &'static [&'static str];
}

pub(crate) fn site() -> SiteId {
    "harbour".parse().unwrap()
}
