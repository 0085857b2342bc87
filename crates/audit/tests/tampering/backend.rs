//! What the matrix needs of a database.

use strongroom_eventlog::EventLog;

/// One log in one database, which is gone when this is dropped.
pub(crate) trait Backend: Sized {
    async fn fresh() -> Self;

    /// Opens the log to append to it, as a start of the program does.
    async fn open(&self) -> EventLog;

    /// Runs statements behind the guards' back, as the database's superuser can. The guards are there again after it.
    fn tamper(&self, sql: &str);

    /// Runs statements with the guards in force.
    fn execute(&self, sql: &str);

    /// Bytes in the database's SQL.
    fn bytes(bytes: &[u8]) -> String;

    /// Takes the guard away that refuses to change an event.
    const DROP_GUARD: &'static str;

    /// Puts one in its place that has its name and refuses nothing.
    const REPLACE_GUARD: &'static str;
}
