//! Who may do what: a writer appends and reads, an auditor reads, and nobody changes.

use strongroom_eventlog::{EventLog, grant_postgres};
use strongroom_model::Position;
use strongroom_proof::merkle::leaf_hash;
use strongroom_servers::Database;

use crate::sample::{connect, database, event, holds, open, run, site};

/// A writer of that database, and of these sites alone.
pub(crate) async fn writer(database: &Database, name: &str, sites: &[&str]) -> String {
    let name = format!("{name}_of_{}", database.name);
    let _ = database.query(&format!("CREATE ROLE {name} LOGIN IN ROLE strongroom_writer"));
    for site in sites {
        grant_postgres(&database.url, &site.parse().unwrap(), std::slice::from_ref(&name)).await.unwrap();
    }
    database.url_as(&name)
}

/// A user of that group, of that database alone: roles are for the whole server.
fn user(database: &Database, group: &str) -> String {
    let name = format!("{group}_of_{}", database.name);
    let _ = database.query(&format!("CREATE ROLE {name} LOGIN IN ROLE strongroom_{group}"));
    database.url_as(&name)
}

const CHANGES: [&str; 16] = [
    "INSERT INTO event SELECT 2, 'run/x', 0, gen_random_uuid(), type, time_us, body, leaf_hash, site FROM event LIMIT 1",
    "UPDATE event SET body = 'forged'",
    "DELETE FROM event",
    "TRUNCATE event",
    "UPDATE head SET size = 1",
    "INSERT INTO head VALUES (0, '', 'other')",
    "DELETE FROM head",
    "UPDATE stream SET status = NULL",
    "DELETE FROM stream",
    "ALTER TABLE event DISABLE TRIGGER ALL",
    "DROP TABLE event",
    "CREATE TABLE strongroom.t (n int)",
    "CREATE OR REPLACE FUNCTION strongroom.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "SET session_replication_role = replica",
    "INSERT INTO writer VALUES ('strongroom_writer', 'quarry')",
    "SELECT check_writer('harbour')",
];

async fn changes_nothing(url: &str) {
    let mut connection = connect(url).await;
    for sql in CHANGES {
        let refused = run(&mut connection, sql).await.expect_err(sql);
        let why = ["permission denied", "must be owner"];
        assert!(why.iter().any(|why| refused.contains(why)), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn a_writer_appends_and_reads_and_may_do_nothing_else() {
    let database = database().await;
    let url = writer(&database, "worker", &["harbour"]).await;
    let log = open(&url).await;
    log.append(vec![event(), event()]).await.unwrap();
    changes_nothing(&url).await;
    assert_eq!(log.rebuild_streams().await.unwrap(), 2);
    holds(&log, 2).await;
}

#[tokio::test]
async fn a_writer_cannot_append_what_does_not_follow() {
    let database = database().await;
    let url = writer(&database, "worker", &["harbour"]).await;
    let log = open(&url).await;
    log.append(vec![event(), event()]).await.unwrap();
    let mut connection = connect(&url).await;
    let append = |was: &str, version: &str, id: &str| {
        format!(
            "SELECT append('harbour', false, {was}, '', '{{run/x}}', '{{{version}}}', ARRAY[{id}]::uuid[], '{{x}}', '{{0}}',
             '{{forged}}', ARRAY[sha256('')], '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}')"
        )
    };
    let fresh = "gen_random_uuid()";
    // Of these, only the first is not an error: it finds that the log ends elsewhere.
    run(&mut connection, &append("1", "0", fresh)).await.unwrap();
    run(&mut connection, &append("2", "1", fresh)).await.expect_err("these bytes are no event");
    run(&mut connection, &append("2", "0", "(SELECT id FROM event LIMIT 1)")).await.expect_err("the id is taken");
    holds(&log, 2).await;
}

#[tokio::test]
async fn an_auditor_reads_and_verifies_and_may_do_nothing_else() {
    let database = database().await;
    let url = user(&database, "auditor");
    let log = open(&database.url).await;
    log.append(vec![event(), event()]).await.unwrap();
    let auditor = EventLog::open_postgres_read_only(&url, &site()).await.unwrap();
    assert_eq!(auditor.read(Position(0), 9).await.unwrap().len(), 2);
    assert_eq!(auditor.verify().await.unwrap().damage, None);
    changes_nothing(&url).await;
    let refused = EventLog::open_postgres(&url, &site()).await.unwrap_err().to_string();
    assert!(refused.contains("GRANT strongroom_writer TO auditor_of_"), "{refused}");
    let mut connection = connect(&url).await;
    for call in ["clear_streams('harbour')", "give_sign('harbour', gen_random_uuid(), '{}')"] {
        run(&mut connection, &format!("SELECT {call}")).await.expect_err("an auditor calls nothing");
    }
    assert_eq!(auditor.signs().await.unwrap(), [], "and sees who is there");
}

#[tokio::test]
async fn a_stranger_sees_nothing() {
    let database = database().await;
    open(&database.url).await.append(vec![event()]).await.unwrap();
    let _ = database.query(&format!("CREATE ROLE stranger_to_{} LOGIN", database.name));
    let url = database.url_as(&format!("stranger_to_{}", database.name));
    let refused = EventLog::open_postgres_read_only(&url, &site()).await.unwrap_err().to_string();
    assert!(refused.contains("may not do that"), "{refused}");
}

#[tokio::test]
async fn a_writer_of_one_site_does_nothing_to_another_ones_log() {
    let database = database().await;
    let ours = writer(&database, "ours", &["harbour"]).await;
    let theirs = writer(&database, "theirs", &["quarry"]).await;
    let quarry = "quarry".parse().unwrap();
    let log = EventLog::open_postgres(&theirs, &quarry).await.unwrap();
    log.append(vec![event()]).await.unwrap();
    open(&ours).await.append(vec![event()]).await.unwrap();

    let refused = EventLog::open_postgres(&ours, &quarry).await.unwrap_err().to_string();
    assert!(refused.contains("may not write to the log of site quarry"), "{refused}");
    assert!(refused.contains("strongroom log migrate --writer ours_of_"), "{refused}");
    let mut connection = connect(&ours).await;
    for call in [
        "begin_log('quarry')",
        "begin_log('a-third')",
        "clear_streams('quarry')",
        "take_turn('quarry', '{}', '{}', true)",
        "give_sign('quarry', gen_random_uuid(), '{}')",
        "put_streams('quarry', '{run/x}', '{run}', '{true}', '{0}', '{0}', '{0}', '{fetch}', '{null}', '{null}', '{null}')",
        "append('quarry', false, 1, '', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')",
    ] {
        let refused = run(&mut connection, &format!("SELECT {call}")).await.expect_err(call);
        assert!(refused.contains("may not write to the log of site"), "{call}: {refused}");
    }
    assert_eq!(log.head().await.unwrap().size, 1);
    assert_eq!(log.verify().await.unwrap().damage, None);
}

#[tokio::test]
async fn who_may_write_a_sites_log_is_whom_the_owner_named_last() {
    let database = database().await;
    let [one, other] = [writer(&database, "one", &[]).await, writer(&database, "other", &[]).await];
    for url in [&one, &other] {
        EventLog::open_postgres(url, &site()).await.expect_err("nobody was named yet");
    }
    let named = async |roles: &[String]| grant_postgres(&database.url, &site(), roles).await.unwrap();
    assert_eq!(named(&[]).await, ["strongroom_writer"]);
    for url in [&one, &other] {
        open(url).await;
    }
    let role = format!("one_of_{}", database.name);
    assert_eq!(named(std::slice::from_ref(&role)).await, std::slice::from_ref(&role));
    assert_eq!(named(&[]).await, [role], "a migration later nothing is wider again");
    open(&one).await;
    EventLog::open_postgres(&other, &site()).await.expect_err("it is not named any more");
}

/// An event's bytes with one thing changed, and the columns beside them.
fn append(stream: &str, version: u64, id: &str, kind: &str, time_us: i64, body: &str, hash: &[u8]) -> String {
    let hash = data_encoding::HEXLOWER.encode(hash);
    let body = body.replace('\'', "''");
    format!(
        "SELECT append('harbour', false, 1, '\\x{0}', ARRAY['{stream}'], '{{{version}}}', ARRAY['{id}']::uuid[], ARRAY['{kind}'],
         '{{{time_us}}}', ARRAY[e'{body}'], ARRAY['\\x{hash}'::bytea], ARRAY['{stream}'], '{{drive}}', '{{true}}', '{{1}}', '{{1}}',
         '{{{version}}}', '{{null}}', '{{null}}', '{{null}}', '{{null}}', '{{false}}')",
        "00".repeat(32)
    )
}

/// What is not an event, or says another thing than the columns do.
fn changed_bodies(body: &str, id: &str, stream: &str, kind: &str) -> Vec<String> {
    let changed = |from: &str, to: &str| {
        assert!(body.contains(from), "{from} in {body}");
        body.replacen(from, to, 1)
    };
    let with = |more: &str| changed(r#""actor":"operator""#, &format!(r#""actor":"operator",{more}"#));
    vec![
        "forged".to_owned(),
        "{}".to_owned(),
        "null".to_owned(),
        format!("{body} "),
        format!("[{body}]"),
        changed("\"position\":1", "\"position\":7"),
        changed("\"version\":0", "\"version\":7"),
        changed("/sites/harbour", "/sites/quarry"),
        changed(id, "0197c1f0-0000-7000-8000-00000000beef"),
        changed(stream, "drive/other"),
        changed(kind, "strongroom.drive.imagined.v1"),
        changed("2026-11-20T23:00:00Z", "2001-01-01T00:00:00Z"),
        changed("\"specversion\":\"1.0\"", "\"specversion\":\"9.9\""),
        changed("{\"actor\":\"operator\"", "{\"actor\":\"operator\",\"id\":\"twice\""),
        changed("{\"actor\":\"operator\",", "{"),
        changed("\"actor\":\"operator\"", "\"actor\":7"),
        with(r#""causationid":7"#),
        with(r#""extra":[]"#),
        with(r#""causationid":"0197c1f0-7000-8000""#),
        with(r#""causationid":"0197c1f0-0000-7000-8000-00000000beeff""#),
        with(r#""causationid":"0197c1f00000-7000-8000-00000000-beef""#),
        with(r#""causationid":"0197C1F0-0000-7000-8000-00000000BEEF""#),
        with(r#""causationid":"0197c1f0-0000-7000-8000-00000000beef","correlationid":"7""#),
        with(r#""causationid":"7","correlationid":"0197c1f0-0000-7000-8000-00000000beef""#),
        // In a text of the data, in the ids' own form.
        with(r#""correlationid":"beef-beef""#).replacen(
            "\"data\":{",
            "\"data\":{\"a\":{\"correlationid\":\"0197c1f0-0000-7000-8000-00000000beef\",\"data\":{}},",
            1,
        ),
        changed("\"data\":{", "\"data\":[{").replacen("},\"datacontenttype\"", "}],\"datacontenttype\"", 1),
        changed("\"data\":{", "\"data\":{\"open\":\""),
    ]
}

#[tokio::test]
async fn r9_what_is_not_an_event_or_differs_from_its_columns_is_not_stored() {
    let database = database().await;
    let url = writer(&database, "worker", &["harbour"]).await;
    let log = open(&url).await;
    log.append(vec![event()]).await.unwrap();
    let next = event();
    let (id, stream) = (next.id.to_string(), next.stream.to_string());
    let kind = "strongroom.drive.initialised.v1";
    let body = next.render(&site(), Position(1));
    let time = next.time.as_microsecond();
    let mut connection = connect(&url).await;
    for body in &changed_bodies(&body, &id, &stream, kind) {
        let forged = append(&stream, 0, &id, kind, time, body, &leaf_hash(body.as_bytes()));
        run(&mut connection, &forged).await.expect_err(body);
    }
    let hash = leaf_hash(body.as_bytes());
    for (what, forged) in [
        ("another hash", append(&stream, 0, &id, kind, time, &body, &leaf_hash(b"x"))),
        ("another stream", append("drive/other", 0, &id, kind, time, &body, &hash)),
        ("another time", append(&stream, 0, &id, kind, time + 1, &body, &hash)),
        ("another type", append(&stream, 0, &id, "x", time, &body, &hash)),
    ] {
        run(&mut connection, &forged).await.expect_err(what);
    }
    assert_eq!(log.head().await.unwrap().size, 1);
    run(&mut connection, &append(&stream, 0, &id, kind, time, &body, &hash))
        .await
        .expect("it is an event as it should be");
}

#[tokio::test]
async fn every_event_that_this_program_makes_passes_the_databases_checks() {
    let database = database().await;
    let log = open(&writer(&database, "worker", &["harbour"]).await).await;
    let odd = [
        "a\u{0}b",
        "\"quoted\\",
        "\u{7f}\u{1f}\n\t",
        "Ma\u{308}rz \u{1F4C4}",
        "{\"data\":{",
        "\\u0000",
        "' OR true; --",
        "}}]]",
    ];
    let times = [
        "1970-01-01T00:00:00Z",
        "2026-11-20T23:00:00.1Z",
        "2026-11-20T23:00:00.120003Z",
        "9998-12-31T23:59:59.999999Z",
    ];
    for (text, time) in odd.iter().zip(times.iter().cycle()) {
        let mut new = event();
        new.event = strongroom_model::Event::DriveInitialised(strongroom_model::event::DriveInitialised {
            label: (*text).to_owned(),
        });
        new.time = time.parse().unwrap();
        new.cause = Some(event().id);
        new.run = Some(strongroom_model::RunId::new(event().time));
        log.append(vec![new])
            .await
            .unwrap_or_else(|error| panic!("{text:?} at {time}: {}", strongroom_model::text::with_causes(&error)));
    }
    assert_eq!(log.verify().await.unwrap().damage, None);
}
