//! Guards that were taken away, weakened or joined by others are named.

use strongroom_eventlog::EventLog;
use strongroom_eventlog::verify::Fault;

use crate::sample::{connect, database, event, open, run};

async fn fault(log: &EventLog) -> Option<Fault> {
    log.verify().await.unwrap().damage.map(|damage| damage.fault)
}

#[tokio::test]
async fn a_guard_that_was_taken_away_or_changed_is_named() {
    let database = database().await;
    let log = open(&database.url).await;
    log.append(vec![event()]).await.unwrap();
    let mut owner = connect(&database.url).await;
    let refuse = "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS";
    let before = database.query("SELECT prosrc FROM pg_proc WHERE proname = 'refuse'");
    for (damage, name, repair) in [
        (
            "ALTER TABLE event DISABLE TRIGGER event_is_never_changed".to_owned(),
            "event_is_never_changed",
            "ALTER TABLE event ENABLE TRIGGER event_is_never_changed".to_owned(),
        ),
        (
            "CREATE TRIGGER eraser AFTER INSERT ON head EXECUTE FUNCTION refuse()".to_owned(),
            "eraser",
            "DROP TRIGGER eraser ON head".to_owned(),
        ),
        (format!("{refuse} $$ BEGIN RETURN NEW; END $$"), "refuse", format!("{refuse} $${before}\n$$")),
        (
            "CREATE FUNCTION back_door() RETURNS void LANGUAGE sql AS 'DELETE FROM strongroom.stream'".to_owned(),
            "back_door",
            "DROP FUNCTION back_door".to_owned(),
        ),
        (
            "DROP TRIGGER head_is_never_deleted ON head".to_owned(),
            "head_is_never_deleted",
            "CREATE TRIGGER head_is_never_deleted BEFORE DELETE OR TRUNCATE ON head
             EXECUTE FUNCTION refuse('the head of an event log is never deleted')"
                .to_owned(),
        ),
    ] {
        run(&mut owner, &damage).await.unwrap();
        assert_eq!(fault(&log).await, Some(Fault::Guard(name.to_owned())), "after {damage}");
        run(&mut owner, &repair).await.unwrap();
        assert_eq!(fault(&log).await, None, "after {repair}");
    }
}
