//! Opening and migrating: what is ours, what is not, and the messages.

use std::path::Path;

use futures_util::future::join_all;
use sqlx::Connection as _;
use sqlx::migrate::Migrator;
use strongroom_eventlog::{ClaimOutcome, EventLog, RunClaim, grant_postgres, migrate_postgres};
use strongroom_servers::{PgBouncer, Postgres, postgres};

use crate::sample::{connect, database, event, holds, open, run, site};

/// The newest schema that this version knows.
const NEWEST: i64 = 5;

/// Both ways to open it fail alike.
async fn refused(url: &str) -> String {
    let to_write = EventLog::open_postgres(url, &site()).await.expect_err("it must not be opened");
    let to_read = EventLog::open_postgres_read_only(url, &site()).await.expect_err("it must not be opened");
    assert_eq!(to_write.to_string(), to_read.to_string());
    strongroom_model::text::with_causes(&to_write)
}

#[tokio::test]
async fn a_database_that_was_not_migrated_names_the_command_that_does_it() {
    let database = postgres().database();
    let (name, at) = (&database.name, postgres().address());
    let message = refused(&database.url).await;
    assert_eq!(
        message,
        format!(
            "the database {name} at {at} has no event log yet: run `strongroom log migrate` as the database's owner"
        )
    );
    let migrated = migrate_postgres(&database.url).await.unwrap();
    assert_eq!((migrated.before, migrated.now, migrated.missing_roles.len()), (None, NEWEST, 0));
    let again = migrate_postgres(&database.url).await.unwrap();
    assert_eq!((again.before, again.now), (Some(NEWEST), NEWEST));
    open(&database.url).await.append(vec![event()]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrations_at_once_make_one_log() {
    let database = postgres().database();
    for migrated in join_all((0..6).map(|_| migrate_postgres(&database.url))).await {
        assert_eq!(migrated.unwrap().now, NEWEST);
    }
    let logs = join_all((0..6).map(|_| open(&database.url))).await;
    for log in &logs {
        log.append(vec![event()]).await.unwrap();
    }
    holds(&logs[0], 6).await;
}

#[tokio::test]
async fn a_newer_versions_database_is_refused() {
    let database = database().await;
    let mut owner = connect(&database.url).await;
    let newer = "INSERT INTO _sqlx_migrations SELECT 99, 'x', now(), true, checksum, 0 FROM _sqlx_migrations LIMIT 1";
    run(&mut owner, newer).await.unwrap();
    let message = refused(&database.url).await;
    assert!(
        message.ends_with(&format!(
            "has schema 99, this version supports up to {NEWEST}: upgrade strongroom on this host"
        )),
        "{message}"
    );
    let error = migrate_postgres(&database.url).await.unwrap_err();
    assert_eq!(error.to_string(), message);
}

#[tokio::test]
async fn a_reader_begins_no_log() {
    let database = database().await;
    let error = EventLog::open_postgres_read_only(&database.url, &site()).await.unwrap_err();
    assert!(error.to_string().contains("has no event log of harbour"), "{error}");
    assert_eq!(database.query("SELECT count(*) FROM strongroom.head"), "0");
}

#[tokio::test]
async fn a_url_is_never_shown() {
    for url in ["mysql://root:hunter2@host/db", "hunter2", "postgres://u:hunter2@host:port/db"] {
        let message = refused(url).await;
        assert!(message.contains("write it as postgres://user@host:5432/database"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
    // Nobody listens there.
    let message = refused("postgres://u:hunter2@127.0.0.1:1/db").await;
    assert!(message.starts_with("the event log in the database db at 127.0.0.1:1 cannot be opened: "), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[tokio::test]
async fn an_owner_who_may_not_make_roles_learns_which_are_missing() {
    let server = Postgres::start();
    let database = server.database();
    let _ = database.query(&format!("CREATE ROLE owner LOGIN; GRANT CREATE ON DATABASE {} TO owner", database.name));
    let owner = database.url_as("owner");
    let migrated = migrate_postgres(&owner).await.unwrap();
    assert_eq!(migrated.missing_roles, ["strongroom_writer", "strongroom_auditor"]);
    // The owner may work without them; once they are there, they get their rights.
    open(&owner).await.append(vec![event()]).await.unwrap();
    let _ = database.query("CREATE ROLE strongroom_writer NOLOGIN; CREATE ROLE strongroom_auditor NOLOGIN");
    assert!(migrate_postgres(&owner).await.unwrap().missing_roles.is_empty());
    let _ = database.query("CREATE ROLE backup LOGIN IN ROLE strongroom_writer");
    grant_postgres(&owner, &site(), &[]).await.unwrap();
    open(&database.url_as("backup")).await.append(vec![event()]).await.unwrap();
}

#[tokio::test]
async fn an_older_versions_database_is_brought_up_to_date_and_its_writers_still_write() {
    for older in 1..NEWEST {
        let database = postgres().database();
        let mut owner = sqlx::PgConnection::connect(&database.url).await.unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/postgres/eventlog");
        let mut first = Migrator::new(folder).await.unwrap();
        first.migrations = first.migrations.iter().filter(|one| one.version <= older).cloned().collect();
        first.create_schema("strongroom");
        first.dangerous_set_table_name("strongroom._sqlx_migrations");
        first.run(&mut owner).await.unwrap();
        run(&mut owner, "INSERT INTO strongroom.head VALUES (0, '', 'harbour')").await.unwrap();
        let message = refused(&database.url).await;
        let expected =
            format!("has the older schema {older}, this version needs {NEWEST}: run `strongroom log migrate`");
        assert!(message.contains(&expected), "{message}");
        let migrated = migrate_postgres(&database.url).await.unwrap();
        assert_eq!((migrated.before, migrated.now), (Some(older), NEWEST));
        if older > 1 {
            // Before that there was no list of writers: whoever could write still can.
            grant_postgres(&database.url, &site(), &[]).await.unwrap();
        }
        let name = format!("old_worker_of_{}", database.name);
        let _ = database.query(&format!("CREATE ROLE {name} LOGIN IN ROLE strongroom_writer"));
        let log = open(&database.url_as(&name)).await;
        log.append(vec![event()]).await.unwrap();
        assert_eq!(log.verify().await.unwrap().damage, None);
    }
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_name_is_refused_with_the_reason() {
    let any = postgres().database();
    let _ = any.query("SELECT 1");
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let name = format!("{}_{}", any.name, encoding.to_lowercase());
        let _ = any.query(&format!("CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"));
        let url = any.url.replace(&format!("/{}", any.name), &format!("/{name}"));
        let error = migrate_postgres(&url).await.unwrap_err().to_string();
        assert!(error.contains(&format!("has the encoding {encoding}")) && error.contains("UTF8"), "{error}");
        assert_eq!(refused(&url).await, error);
    }
}

/// Answers every client with an error, as PgBouncer does.
async fn pooler(code: &'static str, message: &'static str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut startup = [0; 1024];
            let _ = client.read(&mut startup).await;
            let fields = format!("SERROR\0VERROR\0C{code}\0M{message}\0\0");
            let mut answer = vec![b'E'];
            answer.extend(u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
            answer.extend(fields.bytes());
            let _ = client.write_all(&answer).await;
        }
    });
    format!("postgres://u:hunter2@{address}/db?sslmode=disable")
}

#[tokio::test]
async fn a_pooler_in_the_way_is_called_that() {
    for (code, message) in [
        ("08P01", "unsupported startup parameter: extra_float_digits"),
        ("08P01", "unsupported startup parameter in options: search_path"),
        ("42P05", "prepared statement \"sqlx_s_1\" already exists"),
        ("26000", "prepared statement \"sqlx_s_2\" does not exist"),
    ] {
        let message = refused(&pooler(code, message).await).await;
        assert!(message.contains("a pooler (PgBouncer, say) is in front of the database"), "{message}");
    }
}

#[tokio::test]
async fn pgbouncer_in_the_way_is_called_that_whatever_it_does_with_our_settings() {
    let database = database().await;
    for mode in ["session", "transaction"] {
        for dropped in ["extra_float_digits", "extra_float_digits,options"] {
            let pooler = PgBouncer::before(postgres(), mode, dropped);
            let message = refused(&database.url_at(pooler.address())).await;
            assert!(
                message.contains("a pooler (PgBouncer, say) is in front of the database"),
                "{mode}, {dropped}: {message}"
            );
        }
    }
}

#[tokio::test]
async fn a_server_that_cannot_prove_who_it_is_gets_no_password() {
    let database = database().await;
    let bare = database.url.split('?').next().unwrap();
    let strict = format!("{bare}?sslmode=verify-full");
    // This address says how, so it is an error of the connection like any other.
    assert!(refused(&strict).await.contains("server does not support TLS"));
}

#[tokio::test]
async fn of_two_hosts_over_one_log_only_one_runs_it() {
    let database = database().await;
    let ask = async |who: &str| RunClaim::request(&database.url, &site(), who).await.unwrap();
    let ClaimOutcome::Claimed(first) = ask("strongroom run on north").await else { panic!("nobody has it yet") };
    let ClaimOutcome::HeldBy(holder) = ask("strongroom run on south").await else { panic!("north has it") };
    assert!(holder.starts_with("strongroom run on north at 127.0.0.1 since "), "{holder}");
    let other = RunClaim::request(&database.url, &"quarry".parse().unwrap(), "strongroom run on south").await.unwrap();
    assert!(matches!(other, ClaimOutcome::Claimed(_)), "another site is another matter");
    drop(first);
    let mut tries = 0;
    while let ClaimOutcome::HeldBy(holder) = ask("strongroom run on south").await {
        tries += 1;
        assert!(tries < 500, "{holder} has let go of it");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_session_that_is_lost_is_made_again_and_whoever_was_faster_is_named() {
    let database = database().await;
    let ask = async |who: &str| RunClaim::request(&database.url, &site(), who).await.unwrap();
    let ClaimOutcome::Claimed(first) = ask("strongroom run on north").await else { panic!("nobody has it yet") };
    let end =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'strongroom run on north'";
    assert_eq!(database.query(end), "t");
    let second = loop {
        if let ClaimOutcome::Claimed(second) = ask("strongroom run on south").await {
            break second;
        }
    };
    let lost = tokio::time::timeout(crate::sample::PATIENCE, first.lost()).await.unwrap();
    assert!(lost.starts_with("strongroom run on south"), "{lost}");
    drop(second);
}
