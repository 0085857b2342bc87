//! The whole tables of acts on drives, of copies and of purges.

use strongroom_model::copy::Copy;
use strongroom_model::custody::Custody;
use strongroom_model::drive_state::{DriveState, Whereabouts};
use strongroom_model::event::{
    CustodyCancelled, CustodyFinished, Found, PurgeFinished, PurgeRequested, PurgeTally, Tally,
};
use strongroom_model::{Event, Fold as _, StageName};

use crate::samples::{
    all, check_table, copy_damaged, copy_made, copy_proven, custody_advanced, custody_requested, failed, folded,
    foreign, purge_advanced, purge_approved, purge_proposed, purge_refused, verify_act,
};

fn work(retry: bool) -> Event {
    let failed = failed(StageName::Custody, retry);
    if retry { Event::WorkAttemptFailed(failed) } else { Event::WorkFailed(failed) }
}

/// Events that belong into none of these streams.
fn others() -> impl Iterator<Item = (&'static str, Event)> {
    foreign(".custody.").filter(|(_, event)| {
        !event.type_name().contains(".work.")
            && !event.type_name().contains(".purge.")
            && !event.type_name().contains(".copy.")
    })
}

#[test]
fn an_act_is_requested_then_advances_and_ends_once() {
    const NEW: &str = "an act that was not requested";
    const OPEN: &str = "an act that is to be done";
    const DONE: &str = "a finished act";
    const ENDED: &str = "a cancelled act";
    let requested = || custody_requested(verify_act());
    let finished = || Event::CustodyFinished(CustodyFinished { tally: Tally::default() });
    let cancelled = || Event::CustodyCancelled(CustodyCancelled { reason: "not needed".to_owned() });
    let states: [Custody; 5] = [
        folded(&[]),
        folded(&[requested()]),
        folded(&[requested(), custody_advanced()]),
        folded(&[requested(), finished()]),
        folded(&[requested(), cancelled()]),
    ];
    let table = [
        (NEW, "requested", OPEN),
        (OPEN, "advanced", OPEN),
        (OPEN, "retry", OPEN),
        (OPEN, "person", OPEN),
        (OPEN, "finished", DONE),
        (OPEN, "cancelled", ENDED),
    ];
    let own = [
        ("requested", requested()),
        ("advanced", custody_advanced()),
        ("retry", work(true)),
        ("person", work(false)),
        ("finished", finished()),
        ("cancelled", cancelled()),
    ];
    check_table(&states, own.into_iter().chain(others()), &table);
}

#[test]
fn an_act_never_goes_back() {
    let state: Custody = folded(&[custody_requested(verify_act()), custody_advanced()]);
    assert_eq!((state.next.0, state.tally.good), (40, 12_430));
    let Event::CustodyAdvanced(mut back) = custody_advanced() else { panic!("it is one") };
    back.next = strongroom_model::Position(39);
    let back = crate::samples::recorded(2, Event::CustodyAdvanced(back));
    assert!(state.next(&back).is_err());
}

#[test]
fn a_copys_damage_takes_its_evidence_and_a_proof_gives_it_back() {
    let rotten: Copy = folded(&[copy_made(), copy_damaged(Found::Missing)]);
    assert_eq!((rotten.evidence.clone(), rotten.damage.clone()), (None, Some(Found::Missing)));
    let good: Copy = folded(&[copy_made(), copy_damaged(Found::Missing), copy_proven()]);
    assert!(good.evidence.is_some() && good.damage.is_none());
    for (_, event) in all().into_iter().map(|(name, sample)| (name, sample.event)) {
        let fits = event.type_name().contains(".copy.");
        assert_eq!(Copy::default().next(&crate::samples::recorded(0, event.clone())).is_ok(), fits, "{event:?}");
    }
}

#[test]
fn a_purge_needs_an_approval_and_a_refusal_is_final() {
    const NEW: &str = "a purge that was not proposed";
    const PROPOSED: &str = "a proposed purge";
    const APPROVED: &str = "an approved purge";
    const REFUSED: &str = "a refused purge";
    const RUNS: &str = "a purge that is being executed";
    let requested = || Event::PurgeRequested(PurgeRequested { drives_needed: 2 });
    let finished = || Event::PurgeFinished(PurgeFinished { tally: PurgeTally::default() });
    let states: [strongroom_model::purge::Purge; 6] = [
        folded(&[]),
        folded(&[purge_proposed()]),
        folded(&[purge_proposed(), purge_approved()]),
        folded(&[purge_proposed(), purge_refused()]),
        folded(&[purge_proposed(), purge_approved(), requested()]),
        folded(&[purge_proposed(), purge_approved(), requested(), finished()]),
    ];
    let table = [
        (NEW, "proposed", PROPOSED),
        (PROPOSED, "approved", APPROVED),
        (PROPOSED, "refused", REFUSED),
        (APPROVED, "refused", REFUSED),
        (REFUSED, "refused", REFUSED),
        (APPROVED, "requested", RUNS),
        (RUNS, "advanced", RUNS),
        (RUNS, "retry", RUNS),
        (RUNS, "person", APPROVED),
        (RUNS, "finished", APPROVED),
    ];
    let own = [
        ("proposed", purge_proposed()),
        ("approved", purge_approved()),
        ("refused", purge_refused()),
        ("requested", requested()),
        ("advanced", purge_advanced()),
        ("retry", work(true)),
        ("person", work(false)),
        ("finished", finished()),
    ];
    check_table(&states, own.into_iter().chain(others()), &table);
}

#[test]
fn a_drives_copies_count_until_it_is_retired_or_lost() {
    let find =
        |name: &str| all().into_iter().map(|(_, one)| one.event).find(|one| one.type_name().contains(name)).unwrap();
    for (events, counts) in [
        (vec![], true),
        (vec!["drive.handed-over"], true),
        (vec!["drive.handed-over", "drive.returned"], true),
        (vec!["drive.retired"], false),
        (vec!["drive.lost"], false),
        (vec!["drive.lost", "drive.returned"], true),
    ] {
        let history: Vec<Event> = events.iter().map(|name| find(name)).collect();
        let state: DriveState = folded(&history);
        assert_eq!(state.counts(), counts, "{events:?}");
        assert_eq!(matches!(state.whereabouts, Whereabouts::Here), events.is_empty());
    }
}

#[test]
fn r5_a_proof_from_before_a_drive_was_lost_says_nothing_once_it_is_back() {
    let find =
        |name: &str| all().into_iter().map(|(_, one)| one.event).find(|one| one.type_name().contains(name)).unwrap();
    for (events, came_back) in [
        (vec!["drive.handed-over", "drive.returned"], None),
        (vec!["drive.lost", "drive.returned"], Some(1)),
        (vec!["drive.lost", "drive.returned", "drive.returned"], Some(1)),
        (vec!["drive.retired", "drive.returned", "drive.lost", "drive.returned"], Some(3)),
    ] {
        let history: Vec<Event> = events.iter().map(|name| find(name)).collect();
        let state: DriveState = folded(&history);
        assert_eq!(state.came_back, came_back.map(strongroom_model::Position), "{events:?}");
        let back = came_back.unwrap_or(0);
        assert_eq!(state.trusts(strongroom_model::Position(back)), came_back.is_none());
        assert!(state.trusts(strongroom_model::Position(back + 1)));
    }
}
