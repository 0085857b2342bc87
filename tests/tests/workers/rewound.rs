//! The database is restored from an older copy: under processes at work, and before they start.

use std::thread::sleep;
use std::time::Duration;

use strongroom_tests::audit::all_is_archived;
use strongroom_tests::documented;
use strongroom_tests::fleet::{Fleet, Part};
use strongroom_tests::program::Running;
use strongroom_tests::wait::until_true;

/// Longer than any process goes without a look at how long the log is.
const LOOKED: Duration = Duration::from_secs(5);

fn refused(running: Running) -> String {
    running.wait().expect_code(1).expect_said("strongroom log adopt --reason").said()
}

fn adopt(fleet: &Fleet) {
    fleet.site.call(["log", "adopt", "--reason", "nothing newer exists"]).run().expect_code(0);
}

/// Messages about events of the lost time may still be in a queue; a worker puts them aside, and a person drops them.
fn drop_what_was_lost(fleet: &Fleet) {
    let _ = fleet.site.call(["queue", "drop", "--all"]).run();
}

/// How many mails say so.
fn lost(fleet: &Fleet) -> usize {
    fleet.site.mailbox().alarms_about("The event log lost its newest events").len()
}

#[test]
fn r4_r8_a_database_that_was_restored_stops_every_process_is_mailed_once_and_gone_on_from_once_adopted() {
    let fleet = Fleet::shared();
    fleet.site.add_documents(5);
    let mut crew = fleet.crew();
    crew.until_archived(5);
    crew.until_settled();
    fleet.ledger.remember();
    fleet.site.add_documents(4);
    crew.until_archived(9);
    crew.until_settled();
    sleep(LOOKED);
    fleet.ledger.restore();
    for process in crew.dismiss() {
        refused(process);
    }
    assert_eq!(fleet.ledger.archived(), 5, "nothing is done on it");
    until_true("the alarm to be mailed", || lost(&fleet) == 1);
    for part in [Part::Notify, Part::Fetch, Part::Relay, Part::Notify] {
        refused(fleet.site.call([part.verb()]).start());
    }
    assert_eq!(lost(&fleet), 1);
    adopt(&fleet);
    let mut crew = fleet.crew();
    fleet.site.add_documents(3);
    crew.until_archived(8);
    crew.until("its end to be mailed", |fleet| fleet.site.mailbox().alarms_about("Over: ").len() == 1);
    assert_eq!(lost(&fleet), 1, "its beginning is not mailed again");
    drop_what_was_lost(&fleet);
    crew.until_settled();
    fleet.ledger.remember();
    fleet.site.add_documents(2);
    crew.until_archived(10);
    crew.leave();

    // Now while nobody is at work: only the data folder remembers.
    fleet.ledger.restore();
    let parts = [Part::Fetch, Part::Notify, Part::Notify];
    let said = parts.map(|part| refused(fleet.site.call([part.verb()]).start())).concat();
    let told = fleet.ledger.times("strongroom.alarm.notified.v1");
    assert_eq!(lost(&fleet), 2, "it is mailed though it is not recorded: {said}");
    adopt(&fleet);
    assert_eq!(fleet.ledger.times("strongroom.alarm.notified.v1"), told + 1, "it is recorded");
    fleet.site.add_documents(1);
    let mut crew = fleet.crew();
    crew.until_archived(9);
    drop_what_was_lost(&fleet);
    crew.leave();
    assert_eq!(lost(&fleet), 2);
    fleet.site.call(["log", "verify"]).run().expect_code(0);
    let queues = fleet.queues();
    assert!(queues.iter().all(|(_, messages)| *messages == 0), "{queues:?}");
    assert_eq!(fleet.alarms(), Vec::<String>::new());
}

/// What the manual has for the database's own superuser, for the one of the tests.
fn as_superuser(fleet: &Fleet, name: &str) {
    let tools = strongroom_servers::postgres_program("pg_dump");
    let (tools, url) =
        (format!("{}/", tools.parent().unwrap().display()), format!("--dbname='{}'", fleet.ledger.url()));
    let replaced = [("sudo -u postgres ", tools.as_str()), ("--dbname=strongroom", url.as_str())];
    documented::run(&fleet.site, "docs/operations.md", name, &replaced);
}

#[test]
fn r4_the_documented_backup_of_a_database_is_restored_and_goes_on_with_what_the_server_proves() {
    let fleet = Fleet::shared();
    fleet.site.add_documents(5);
    let mut crew = fleet.crew();
    crew.until_archived(5);
    crew.until_settled();
    as_superuser(&fleet, "back up, Postgres");
    fleet.site.add_documents(4);
    crew.until_archived(9);
    crew.leave();

    as_superuser(&fleet, "restore, Postgres");
    assert_eq!(fleet.ledger.archived(), 5);
    refused(fleet.site.call([Part::Fetch.verb()]).start());
    let said = documented::run(&fleet.site, "docs/operations.md", "go on", &[]);
    assert!(said.contains("4 bookings that the server has archived and this log did not know"), "{said}");
    fleet.site.add_documents(2);
    let mut crew = fleet.crew();
    crew.until_archived(11);
    drop_what_was_lost(&fleet);
    crew.leave();
    all_is_archived(&fleet.site, 11);
}
