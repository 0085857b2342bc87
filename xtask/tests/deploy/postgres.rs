//! The roles, on a real Postgres.

use std::path::Path;
use std::process::Command;

use strongroom_servers::Postgres;

use crate::{compose, tree};

/// What a statement gives, or why it was refused.
fn ask(server: &Postgres, user: &str, database: &str, sql: &str) -> Result<String, String> {
    let mut psql = psql(server, user, database);
    let output = psql.args(["--tuples-only", "--no-align", "--command", sql]).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(out.trim().to_owned()) } else { Err(err.trim().to_owned()) }
}

fn psql(server: &Postgres, user: &str, database: &str) -> Command {
    let mut psql = tree::tool("psql", "postgresql");
    psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]);
    at(server, &mut psql).env("PGUSER", user).env("PGDATABASE", database);
    psql
}

pub(crate) fn at<'a>(server: &Postgres, command: &'a mut Command) -> &'a mut Command {
    let address = server.address();
    command
        .env("PGHOST", address.ip().to_string())
        .env("PGPORT", address.port().to_string())
        .env("PGSSLMODE", "disable")
}

/// A server with the roles, twice so, and the log's schema as its owner makes it.
fn set_up() -> Postgres {
    let server = Postgres::start();
    for _ in 0..2 {
        tree::succeeds(psql(&server, "postgres", "postgres").arg("--file").arg(tree::path("postgres/roles.sql")));
    }
    let url = format!("postgres://strongroom_owner@{}/strongroom?sslmode=disable", server.address());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let migrated = runtime.block_on(strongroom_eventlog::migrate_postgres(&url)).unwrap();
    assert!(migrated.missing_roles.is_empty(), "{migrated:?}");
    let main = "main".parse().unwrap();
    let writers = runtime.block_on(strongroom_eventlog::grant_postgres(&url, &main, &[])).unwrap();
    assert_eq!(writers, ["strongroom_writer"]);
    server
}

#[test]
fn each_role_may_do_its_own_work_and_nothing_else() {
    let server = set_up();
    let may = |user: &str, database: &str, sql: &str| {
        ask(&server, user, database, sql).unwrap_or_else(|error| panic!("{user}: {sql}: {error}"))
    };
    let may_not = |user: &str, database: &str, sql: &str| {
        let refused = ask(&server, user, database, sql).expect_err(sql);
        let denied =
            ["permission denied", "must be owner", "never changed", "never deleted", "may not write to the log"];
        assert!(denied.iter().any(|word| refused.contains(word)), "{user}: {sql}: {refused}");
    };
    may("strongroom_worker", "strongroom", "SELECT strongroom.begin_log('main')");
    for user in ["strongroom_worker", "strongroom_audit"] {
        assert_eq!(may(user, "strongroom", "SELECT site FROM strongroom.head"), "main");
        for sql in [
            "UPDATE strongroom.event SET body = ''",
            "DELETE FROM strongroom.event",
            "TRUNCATE strongroom.event",
            "DELETE FROM strongroom.head",
            "INSERT INTO strongroom.head VALUES (0, '', 'other')",
            "DROP TABLE strongroom.event",
            "ALTER TABLE strongroom.event DISABLE TRIGGER ALL",
            "CREATE TABLE strongroom.mine ()",
            "CREATE TABLE public.mine ()",
            "CREATE SCHEMA mine",
        ] {
            may_not(user, "strongroom", sql);
        }
        may_not(user, "strongroom_server", "SELECT 1");
    }
    may_not("strongroom_audit", "strongroom", "SELECT strongroom.begin_log('other')");
    may_not("strongroom_worker", "strongroom", "SELECT strongroom.begin_log('other')");
    // The triggers hold for the owner as well.
    for sql in ["UPDATE strongroom.event SET body = ''", "DELETE FROM strongroom.head"] {
        may_not("strongroom_owner", "strongroom", sql);
    }
    // The document server makes its own tables at its start.
    may("strongroom_server", "strongroom_server", "CREATE SCHEMA strongroom_server");
    may_not("strongroom_server", "strongroom", "SELECT 1");
    may_not("strongroom_owner", "strongroom_server", "SELECT 1");
}

#[test]
fn no_role_may_more_than_it_needs() {
    let server = set_up();
    let above = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'strongroom%' \
                 AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)";
    assert_eq!(ask(&server, "postgres", "postgres", above).unwrap(), "0");
    let groups = "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname LIKE 'strongroom%' AND NOT rolcanlogin";
    assert_eq!(ask(&server, "postgres", "postgres", groups).unwrap(), "strongroom_auditor strongroom_writer");
}

/// What the image of Postgres runs when its data is new.
#[test]
fn the_containers_first_start_makes_roles_with_the_passwords_of_their_secrets() {
    let (_folder, folder) = compose::set_up();
    let server = Postgres::start();
    let mut init = Command::new(folder.join("postgres-init.sh"));
    init.env("ROLES", tree::path("postgres/roles.sql")).env("LOGINS", folder.join("secrets/postgres-logins"));
    tree::succeeds(at(&server, &mut init));
    let with = "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_authid WHERE rolname LIKE 'strongroom%' AND rolpassword IS NOT NULL";
    let with = ask(&server, "postgres", "postgres", with).unwrap();
    assert_eq!(with, "strongroom_owner strongroom_server strongroom_worker");
    for name in ["log-owner-url", "log-writer-url", "server-database-url"] {
        log_in(&server, &folder.join("secrets").join(name));
    }
}

/// The secret's address leads to a role and a database that are there.
fn log_in(server: &Postgres, secret: &Path) {
    let url = std::fs::read_to_string(secret).unwrap();
    let (login, database) = url.trim().trim_start_matches("postgres://").split_once("@postgres/").unwrap();
    let (user, database) = (login.split(':').next().unwrap(), database.split('?').next().unwrap());
    assert_eq!(ask(server, user, database, "SELECT current_user").unwrap(), user, "{}", secret.display());
}
