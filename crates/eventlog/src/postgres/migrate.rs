//! Migrating a database's schema, as its owner.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, SqlStr};
use strongroom_model::SiteId;
use strongroom_service::kill_point;

use super::open::{failed, schema, usable};
use super::place::Place;
use super::rebuild::upgrade;
use super::{INSUFFICIENT_PRIVILEGE, state};
use crate::error::OpenError;

/// In order, numbered from 1, each by its name in the database's list.
const MIGRATIONS: [(&str, &str); 5] = [
    ("log", include_str!("../../../../schemas/postgres/eventlog/0001_log.sql")),
    ("writers", include_str!("../../../../schemas/postgres/eventlog/0002_writers.sql")),
    ("checks", include_str!("../../../../schemas/postgres/eventlog/0003_checks.sql")),
    ("signs", include_str!("../../../../schemas/postgres/eventlog/0004_signs.sql")),
    ("status", include_str!("../../../../schemas/postgres/eventlog/0005_status.sql")),
];

pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

const RIGHTS: &str = include_str!("../../../../schemas/postgres/eventlog/roles.sql");

/// Who may write and who may only read: groups without a login.
const ROLES: [&str; 2] = ["strongroom_writer", "strongroom_auditor"];

/// A migration's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The database's name and host.
    pub database: String,
    /// The schema's number before, if there was one.
    pub before: Option<i64>,
    /// The schema's number now.
    pub now: i64,
    /// Roles that this user may not create. While one is missing, no rights are granted: a superuser runs `CREATE ROLE
    /// <name> NOLOGIN`, then migrate again.
    pub missing_roles: Vec<&'static str>,
}

/// Creates or migrates the event log's schema, and grants the roles `strongroom_writer` and `strongroom_auditor` their
/// rights. Idempotent, also concurrently.
///
/// # Errors
/// The URL is malformed, the database cannot be reached, its schema is newer, or the user may not create tables. A
/// migration is carried out as a whole or not at all.
pub async fn migrate_postgres(url: &str) -> Result<Migrated, OpenError> {
    let place = Place::parse(url)?;
    let mut connection = place.connect().await.map_err(|source| failed(&place, source))?;
    usable(&place, &mut connection).await?;
    let before = schema(&mut connection).await.map_err(|source| failed(&place, source))?;
    if let Some(found) = before
        && found > NEWEST
    {
        return Err(OpenError::NewerDatabase { database: place.name(), found, known: NEWEST });
    }
    let missing_roles = set_up(&mut connection, before).await.map_err(|source| failed(&place, source))?;
    // Its locks end with the session in any case.
    let _ = connection.close().await;
    Ok(Migrated { database: place.name(), before, now: NEWEST, missing_roles })
}

/// Lets only members of `roles` (and the database's owner) write to a site's log. Without `roles` it is
/// `strongroom_writer`, unless others were set before. Returns the effective ones.
///
/// # Errors
/// The URL is malformed, the database cannot be reached, or the user does not own the log's tables.
pub async fn grant_postgres(url: &str, site: &SiteId, roles: &[String]) -> Result<Vec<String>, OpenError> {
    let place = Place::parse(url)?;
    let mut connection = place.connect().await.map_err(|source| failed(&place, source))?;
    let granted = grant(&mut connection, site, roles).await.map_err(|source| failed(&place, source));
    let _ = connection.close().await;
    granted
}

/// In one statement: nobody sees a site without its writers in between.
async fn grant(connection: &mut PgConnection, site: &SiteId, roles: &[String]) -> Result<Vec<String>, sqlx::Error> {
    let exactly = !roles.is_empty();
    let roles: Vec<&str> = if exactly { roles.iter().map(String::as_str).collect() } else { vec![ROLES[0]] };
    sqlx::query(
        "WITH gone AS (DELETE FROM writer WHERE $3 AND site = $1 AND role <> ALL ($2))
         INSERT INTO writer (role, site) SELECT unnest($2), $1
         WHERE $3 OR NOT EXISTS (SELECT 1 FROM writer WHERE site = $1) ON CONFLICT DO NOTHING",
    )
    .bind(site.as_str())
    .bind(&roles)
    .bind(exactly)
    .execute(&mut *connection)
    .await?;
    let now = sqlx::query_scalar("SELECT role FROM writer WHERE site = $1 ORDER BY role").bind(site.as_str());
    now.fetch_all(connection).await
}

/// In one transaction, except for the roles, which belong to the whole server. If we stop in it, the database is as it
/// was, and the next attempt begins again; others' appends and reads wait meanwhile.
async fn set_up(connection: &mut PgConnection, before: Option<i64>) -> Result<Vec<&'static str>, sqlx::Error> {
    // Concurrent grants would collide in the catalogue.
    sqlx::query("SELECT pg_advisory_lock(hashtextextended('strongroom.migrate', 0))").execute(&mut *connection).await?;
    let mut missing = Vec::new();
    for role in ROLES {
        if !make_role(connection, role).await? {
            missing.push(role);
        }
    }
    let mut transaction = connection.begin().await?;
    migrate(&mut transaction).await?;
    if missing.is_empty() {
        sqlx::raw_sql(RIGHTS).execute(&mut *transaction).await?;
    }
    if before.is_some_and(|before| before < NEWEST) {
        upgrade(&mut transaction).await?;
    }
    kill_point!("eventlog.before-migrate-commit");
    transaction.commit().await?;
    Ok(missing)
}

/// Each migration in a savepoint of the transaction.
async fn migrate(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let migrations = (1..).zip(MIGRATIONS).map(|(version, (name, sql))| {
        Migration::new(version, name.into(), MigrationType::Simple, SqlStr::from_static(sql), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.create_schema("strongroom");
    migrator.dangerous_set_table_name("strongroom._sqlx_migrations");
    migrator.run(&mut *connection).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(error) | sqlx::migrate::MigrateError::ExecuteMigration(error, _) => error,
        other => sqlx::Error::Migrate(Box::new(other)),
    })
}

async fn make_role(connection: &mut PgConnection, role: &str) -> Result<bool, sqlx::Error> {
    let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1)")
        .bind(role)
        .fetch_one(&mut *connection)
        .await?;
    if there {
        return Ok(true);
    }
    // Safe: the names are our own.
    let create = AssertSqlSafe(format!("CREATE ROLE {role} NOLOGIN"));
    match sqlx::raw_sql(create).execute(&mut *connection).await {
        Ok(_) => Ok(true),
        Err(error) => match state(&error).as_deref() {
            // Another database of the same server was migrated just now, and roles belong to all.
            Some("42710" | "23505") => Ok(true),
            Some(INSUFFICIENT_PRIVILEGE) => Ok(false),
            _ => Err(error),
        },
    }
}
