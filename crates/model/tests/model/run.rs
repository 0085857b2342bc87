//! A run's whole table.

use strongroom_model::run::Run;
use strongroom_model::{Event, Fold as _, StageName};

use crate::samples::{check_table, failed, folded, foreign, run_enumerated, run_requested};

fn failure(retry: bool) -> Event {
    Event::RunFailed(failed(StageName::Enumerate, retry))
}

#[test]
fn every_transition_is_in_the_table_or_refused() {
    const NEW: &str = "a run that was not requested";
    const DUE: &str = "a run that is due";
    const ENUMERATED: &str = "a run that has enumerated";
    const FAILED: &str = "a failed run";
    let states: [Run; 5] = [
        folded(&[]),
        folded(&[run_requested()]),
        folded(&[run_requested(), failure(true)]),
        folded(&[run_requested(), run_enumerated()]),
        folded(&[run_requested(), failure(false)]),
    ];
    let table =
        [(NEW, "requested", DUE), (DUE, "enumerated", ENUMERATED), (DUE, "retry", DUE), (DUE, "person", FAILED)];
    let own = [
        ("requested", run_requested()),
        ("enumerated", run_enumerated()),
        ("retry", failure(true)),
        ("person", failure(false)),
    ];
    check_table(&states, own.into_iter().chain(foreign(".run.")), &table);
}

#[test]
fn a_run_is_settled_when_it_enumerated_or_failed_for_good() {
    for (events, settled) in [
        (&[][..], false),
        (&[run_requested()], false),
        (&[run_requested(), failure(true)], false),
        (&[run_requested(), failure(true), run_enumerated()], true),
        (&[run_requested(), failure(false)], true),
    ] {
        assert_eq!(folded::<Run>(events).is_settled(), settled, "{events:?}");
    }
}

#[test]
fn its_attempts_are_counted_and_success_clears_the_failure() {
    let failing = [run_requested(), failure(true), failure(true)];
    assert_eq!(folded::<Run>(&failing).attempt(), 3);
    assert_eq!(folded::<Run>(&[&failing[..], &[run_enumerated()]].concat()).failure, None);
}
