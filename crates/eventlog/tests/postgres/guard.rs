//! Guards that were taken away, weakened or joined by others are named.

use strongroom_eventlog::EventLog;
use strongroom_eventlog::verify::Fault;

use crate::sample::{connect, database, event, open, run};

async fn fault(log: &EventLog) -> Option<Fault> {
    log.verify().await.unwrap().damage.map(|damage| damage.fault)
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table of all that can be done to the guards")]
async fn a_guard_that_was_taken_away_or_changed_is_named() {
    let database = database().await;
    let log = open(&database.url).await;
    log.append(vec![event()]).await.unwrap();
    let mut owner = connect(&database.url).await;
    let refuse = "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS";
    let before = database.query("SELECT prosrc FROM pg_proc WHERE proname = 'refuse'");
    let refuse_again = format!("{refuse} $${before}\n$$");
    let stranger = format!("stranger_to_guards_of_{}", database.name);
    run(&mut owner, &format!("CREATE ROLE {stranger}")).await.unwrap();
    let grants = |what: &str, on: &str| {
        (format!("GRANT {what} ON {on} TO {stranger}"), format!("REVOKE {what} ON {on} FROM {stranger}"))
    };
    let (insert, no_insert) = grants("INSERT", "event");
    let (column, no_column) = grants("UPDATE (body)", "event");
    let (create, no_create) = grants("CREATE", "SCHEMA strongroom");
    let refused_to = format!("to {stranger}");
    let begin = "FUNCTION begin_log(text)";
    for (damage, name, repair) in [
        (
            "ALTER TABLE event DISABLE TRIGGER event_is_never_changed",
            "trigger event_is_never_changed",
            "ALTER TABLE event ENABLE TRIGGER event_is_never_changed",
        ),
        (
            "ALTER TABLE event ENABLE REPLICA TRIGGER event_is_the_next",
            "trigger event_is_the_next",
            "ALTER TABLE event ENABLE TRIGGER event_is_the_next",
        ),
        (
            "CREATE TRIGGER eraser AFTER INSERT ON head EXECUTE FUNCTION refuse()",
            "trigger eraser",
            "DROP TRIGGER eraser ON head",
        ),
        (&*format!("{refuse} $$ BEGIN RETURN NEW; END $$"), "function refuse()", &refuse_again),
        (
            "CREATE FUNCTION back_door() RETURNS void LANGUAGE sql AS 'DELETE FROM strongroom.stream'",
            "function back_door()",
            "DROP FUNCTION back_door",
        ),
        // By its other arguments it is another function, which a call with a text may well mean.
        (
            "CREATE FUNCTION turn(of_site varchar) RETURNS bigint LANGUAGE sql AS 'SELECT 1'",
            "function turn(of_site character varying)",
            "DROP FUNCTION turn(varchar)",
        ),
        (
            "CREATE RULE quietly AS ON INSERT TO event DO INSTEAD NOTHING",
            "rule quietly",
            // The flag stays until the table is next looked at by a vacuum.
            "DROP RULE quietly ON event; UPDATE pg_class SET relhasrules = false WHERE relname = 'event'",
        ),
        (
            &*format!("ALTER {begin} RESET search_path"),
            "function begin_log(of_site text)",
            &format!("ALTER {begin} SET search_path = strongroom, pg_temp"),
        ),
        (
            &*format!("ALTER {begin} SECURITY INVOKER"),
            "function begin_log(of_site text)",
            &format!("ALTER {begin} SECURITY DEFINER"),
        ),
        (
            &*format!("GRANT EXECUTE ON {begin} TO PUBLIC"),
            "to PUBLIC",
            &format!("REVOKE EXECUTE ON {begin} FROM PUBLIC"),
        ),
        (&*insert, &*refused_to, &*no_insert),
        (&*column, &*refused_to, &*no_column),
        (&*create, &*refused_to, &*no_create),
        ("ALTER TABLE head ENABLE ROW LEVEL SECURITY", "table head", "ALTER TABLE head DISABLE ROW LEVEL SECURITY"),
        (&*format!("ALTER TABLE stream OWNER TO {stranger}"), "table stream", "ALTER TABLE stream OWNER TO postgres"),
        (
            "ALTER TABLE event ALTER body DROP NOT NULL",
            "column event.body",
            "ALTER TABLE event ALTER body SET NOT NULL",
        ),
        ("CREATE TABLE public.more () INHERITS (strongroom.event)", "table event", "DROP TABLE public.more"),
        (
            "DROP INDEX stream_due",
            "index stream_due",
            "CREATE INDEX stream_due ON strongroom.stream (site, next_stage, due_at_us, position) INCLUDE (kind, status)
             WHERE next_stage IS NOT NULL AND due_at_us IS NOT NULL",
        ),
        (
            &*format!("ALTER DATABASE {} SET session_replication_role = replica", database.name),
            "setting session_replication_role",
            &format!("ALTER DATABASE {} RESET session_replication_role", database.name),
        ),
        (
            "DROP TRIGGER head_is_never_deleted ON head",
            "trigger head_is_never_deleted",
            "CREATE TRIGGER head_is_never_deleted BEFORE DELETE OR TRUNCATE ON head
             EXECUTE FUNCTION refuse('the head of an event log is never deleted')",
        ),
    ] {
        run(&mut owner, damage).await.unwrap();
        let found = fault(&log).await;
        let is_named = matches!(&found, Some(Fault::Guard(found)) if found.contains(name));
        assert!(is_named, "after {damage}: {found:?}");
        // What is left when all is as it was.
        run(&mut owner, repair).await.unwrap();
        assert_eq!(fault(&log).await, None, "after {repair}");
    }
}
