//! The drive has no room beyond its reserve.

use strongroom_tests::fleet::{Crew, Fleet, Part};

const BOOKINGS: usize = 20;

#[test]
fn r6_workers_prove_and_archive_what_is_on_a_drive_that_is_full_and_fetching_alone_waits_for_room() {
    let mut fleet = Fleet::shared();
    fleet.site.add_documents(BOOKINGS);
    let fetched = |fleet: &Fleet| fleet.ledger.times("strongroom.timesheet.fetched.v1");
    let mut crew = Crew::start(&fleet, &[Part::Relay, Part::Enumerate, Part::Fetch]);
    crew.until("everything is fetched", |fleet| fetched(fleet) == BOOKINGS);
    drop(crew);

    fleet.site.set("drive.reserve", "9000TiB");
    fleet.site.add_documents(BOOKINGS);
    let mut crew = fleet.crew();
    crew.until_archived(BOOKINGS);
    crew.until("what is new to wait for room", |fleet| fleet.ledger.enumerated() == 2 * BOOKINGS);
    crew.until("the alarm", |fleet| fleet.is_raised("drive-full"));
    assert_eq!(fetched(&fleet), BOOKINGS, "no more is fetched");
    assert_eq!(fleet.ledger.times("strongroom.alarm.raised.v1"), 1, "{:?}", fleet.alarms());
    assert_eq!(fleet.ledger.times("strongroom.alarm.cleared.v1"), 0, "verify does not end what it does not look for");
    drop(crew);

    fleet.site.set("drive.reserve", "1MiB");
    let mut crew = fleet.crew();
    crew.until_archived(2 * BOOKINGS);
    crew.leave();
    fleet.all_is_well(2 * BOOKINGS);
}
