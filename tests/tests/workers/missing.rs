//! A part dies and nobody starts it again: whoever is left says so, and until then nothing looks well.

use strongroom_tests::fleet::{Fleet, Part};
use strongroom_tests::wait;

const WAITING: usize = 5;

/// A fleet that misses somebody within seconds.
fn quick() -> Fleet {
    let mut fleet = Fleet::shared();
    for (key, value) in [("watch.every", "1s"), ("watch.no_worker_after", "3s"), ("watch.no_relay_after", "2s")] {
        fleet.site.set(key, value);
    }
    fleet
}

/// Waits until `status` says that, with the exit code of a site that needs a person. Returns its first line.
fn told(fleet: &Fleet, part: &str) -> String {
    wait::until(&format!("status to say {part:?}"), || {
        let ended = fleet.site.call(["status"]).run();
        let verdict = ended.stdout.lines().next().unwrap_or_default().to_owned();
        (ended.code() == Some(2) && ended.stdout.contains(part)).then_some(verdict)
    })
}

#[test]
fn r8_work_that_a_dead_worker_leaves_is_told_by_those_who_are_left_and_so_is_its_end() {
    let fleet = quick();
    let mut crew = fleet.crew();
    told_well(&fleet, &mut crew);
    crew.kill_all(Part::Archive);
    fleet.site.add_documents(WAITING);
    let verdict = told(&fleet, "no archive worker takes it");
    assert!(!verdict.contains("well"), "{verdict}");
    crew.until("the alarm", |fleet| fleet.is_raised("no-worker"));
    let verdict = told(&fleet, "none has given a sign of life since");
    assert!(verdict.contains("5 bookings wait to be archived, and no archive worker"), "{verdict}");
    let doctor = fleet.site.call(["doctor"]).run().expect_code(2);
    assert!(doctor.stdout.contains("start `strongroom archive`"), "{}", doctor.stdout);
    wait::until_true("the alarm to be mailed", || {
        fleet.site.mailbox().mails().iter().any(|mail| mail.part("text/plain").contains("no archive worker takes it"))
    });
    crew.add(Part::Archive);
    crew.until_archived(WAITING);
    crew.until("its end", |fleet| !fleet.is_raised("no-worker"));
    drop(crew);
}

#[test]
fn r8_relays_that_die_are_told_by_those_who_are_left() {
    let fleet = quick();
    let mut crew = fleet.crew();
    told_well(&fleet, &mut crew);
    crew.kill_all(Part::Relay);
    crew.until("the alarm", |fleet| fleet.is_raised("no-relay"));
    told(&fleet, "no relay hands work out: none has given a sign of life since");
    crew.add(Part::Relay);
    crew.until("its end", |fleet| !fleet.is_raised("no-relay"));
    told_well(&fleet, &mut crew);
}

/// Waits until all are there, and `status` says so.
fn told_well(fleet: &Fleet, crew: &mut strongroom_tests::fleet::Crew<'_>) {
    crew.until("status to be well", |fleet| fleet.site.call(["status"]).run().code() == Some(0));
    let processes = fleet.site.status()["processes"].as_array().unwrap().clone();
    let alive: Vec<_> = processes.iter().filter(|process| process["state"] == "alive").collect();
    assert!(alive.len() >= 8, "{processes:?}");
}
