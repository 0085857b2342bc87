//! The log in a Postgres database.

mod claim;
mod guard;
mod migrate;
mod open;
mod place;
mod probe_write;
mod read;
mod rebuild;
mod signs;
mod verify;
mod wake;
mod write;

use sqlx::PgPool;
use strongroom_model::SiteId;

pub use self::claim::{ClaimOutcome, RunClaim};
pub use self::migrate::{Migrated, grant_postgres, migrate_postgres};
use self::place::Place;
use self::wake::Wake;
pub(crate) use self::write::PostgresWriter;

#[derive(Debug)]
pub(crate) struct PostgresLog {
    site: SiteId,
    place: Place,
    readers: PgPool,
    wake: Wake,
}

impl PostgresLog {
    pub(crate) async fn close(&self) {
        self.wake.stop();
        self.readers.close().await;
    }
}

/// The SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn state(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}

const INSUFFICIENT_PRIVILEGE: &str = "42501";
const UNIQUE_VIOLATION: &str = "23505";
const RESTRICT_VIOLATION: &str = "23001";
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Whether a retry may succeed: the connection failed, or the server is starting or stopping.
fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        // Class 08: the connection. 53300: too many of them. 57P01 to 57P03: the server shuts down, crashed, or
        // starts.
        _ => state(error).is_some_and(|state| {
            state.starts_with("08") || ["53300", "57P01", "57P02", "57P03"].contains(&state.as_str())
        }),
    }
}
