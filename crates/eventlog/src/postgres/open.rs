//! Opening, and beginning a site's log for a writer.

use std::time::Duration;

use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use strongroom_model::SiteId;
use tokio::sync::watch;

use super::migrate::NEWEST;
use super::place::{Place, SEARCH_PATH, timely};
use super::wake::Wake;
use super::{INSUFFICIENT_PRIVILEGE, PostgresLog, PostgresWriter, state};
use crate::error::{OpenError, StorageError};

/// Concurrent reads, and one connection that listens.
const READERS: u32 = 5;
/// How long a read waits for a starting server.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// A server's cached plans and memory should not live for ever.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

impl PostgresLog {
    /// Opens a site's log for writing. Others' commits are sent to `appended`; those from `committed` are sent to
    /// others.
    pub(crate) async fn open(
        url: &str,
        site: &SiteId,
        appended: watch::Sender<u64>,
        committed: Option<watch::Receiver<u64>>,
    ) -> Result<(Self, PostgresWriter), OpenError> {
        let place = Place::parse(url)?;
        let mut connection = connect_migrated(&place).await?;
        let begun = sqlx::query("SELECT begin_log($1)").bind(site.as_str()).execute(&mut connection);
        timely(begun).await.map_err(|source| no_writer(&place, site, source))?;
        let readers = readers(&place);
        let wake = Wake::start(&readers, site, appended, committed);
        let writer = PostgresWriter::new(place.clone(), site.clone(), connection);
        Ok((Self { site: site.clone(), place, readers, wake }, writer))
    }

    pub(crate) async fn open_read_only(
        url: &str,
        site: &SiteId,
        appended: watch::Sender<u64>,
    ) -> Result<Self, OpenError> {
        let place = Place::parse(url)?;
        let mut connection = connect_migrated(&place).await?;
        let there = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM head WHERE site = $1)").bind(site.as_str());
        let there: bool = timely(there.fetch_one(&mut connection)).await.map_err(|source| failed(&place, source))?;
        if !there {
            return Err(OpenError::NoLog { database: place.name(), site: site.clone() });
        }
        let readers = readers(&place);
        let wake = Wake::start(&readers, site, appended, None);
        Ok(Self { site: site.clone(), place, readers, wake })
    }
}

fn readers(place: &Place) -> PgPool {
    PgPoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .max_lifetime(LIFETIME)
        .connect_lazy_with(place.options().clone())
}

/// Refuses an unsuitable database or connection.
pub(super) async fn usable(place: &Place, connection: &mut PgConnection) -> Result<(), OpenError> {
    let query = sqlx::query_as("SELECT current_setting('server_encoding'), current_setting('search_path')");
    let (encoding, path): (String, String) =
        timely(query.fetch_one(connection)).await.map_err(|source| failed(place, source))?;
    if encoding != "UTF8" {
        return Err(OpenError::Encoding { database: place.name(), found: encoding });
    }
    // Set when the connection began. A pooler that drops it assigns connections per transaction, or ignores our
    // settings: prepared statements and locks would break.
    if path != SEARCH_PATH {
        return Err(OpenError::Pooler { database: place.name() });
    }
    Ok(())
}

async fn connect_migrated(place: &Place) -> Result<PgConnection, OpenError> {
    let mut connection = place.connect().await.map_err(|source| failed(place, source))?;
    usable(place, &mut connection).await?;
    let found = timely(schema(&mut connection)).await.map_err(|source| failed(place, source))?;
    let database = place.name();
    match found {
        None => Err(OpenError::NotMigrated { database, known: NEWEST, found: None }),
        Some(found) if found < NEWEST => Err(OpenError::NotMigrated { database, known: NEWEST, found: Some(found) }),
        Some(found) if found > NEWEST => Err(OpenError::NewerDatabase { database, found, known: NEWEST }),
        Some(_) => Ok(connection),
    }
}

pub(super) async fn schema(connection: &mut PgConnection) -> Result<Option<i64>, sqlx::Error> {
    let migrated: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'strongroom' AND c.relname = '_sqlx_migrations')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !migrated {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT max(version) FROM strongroom._sqlx_migrations WHERE success")
        .fetch_one(&mut *connection)
        .await
}

/// The user is not a writer at all, or not of that site.
fn no_writer(place: &Place, site: &SiteId, source: sqlx::Error) -> OpenError {
    let is_of_another_site =
        source.as_database_error().is_some_and(|error| error.message().contains("may not write to"));
    match failed(place, source) {
        OpenError::NoRights { database, user, .. } if is_of_another_site => {
            OpenError::OtherSitesWriter { database, user, site: site.clone() }
        }
        other => other,
    }
}

pub(super) fn failed(place: &Place, source: sqlx::Error) -> OpenError {
    let (database, user) = (place.name(), place.options().get_username().to_owned());
    if is_pooler(&source) {
        return OpenError::Pooler { database };
    }
    // A wrong certificate ends the handshake as a read error.
    let is_about_tls = match &source {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    };
    if is_about_tls && place.must_verify() {
        return OpenError::NoTls { database, source: source.into() };
    }
    match state(&source).as_deref() {
        Some(INSUFFICIENT_PRIVILEGE) => OpenError::NoRights { database, user, source: source.into() },
        _ => OpenError::Database { database, source: StorageError::from(source) },
    }
}

/// PgBouncer refuses unknown settings; one that pools by transaction loses prepared statements, or has another
/// client's.
fn is_pooler(error: &sqlx::Error) -> bool {
    let Some(reported) = error.as_database_error() else { return false };
    let statement = matches!(state(error).as_deref(), Some("26000" | "42P05"));
    statement || reported.message().contains("unsupported startup parameter")
}
