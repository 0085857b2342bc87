//! A run's whole table.

use strongroom_model::fold::fold;
use strongroom_model::run::Run;
use strongroom_model::{Event, Fold as _, Recorded, StageName};

use crate::samples::{self, failed, recorded, run_enumerated, run_requested};

fn failure(retry: bool) -> Event {
    Event::RunFailed(failed(StageName::Enumerate, retry))
}

fn folded(events: &[Event]) -> Run {
    let events: Vec<Recorded> =
        events.iter().enumerate().map(|(version, event)| recorded(version as u32, event.clone())).collect();
    fold(&events).unwrap()
}

#[test]
fn every_transition_is_in_the_table_or_refused() {
    const NEW: &str = "a run that was not requested";
    const DUE: &str = "a run that is due";
    const ENUMERATED: &str = "a run that has enumerated";
    const FAILED: &str = "a failed run";
    let states = [
        folded(&[]),
        folded(&[run_requested()]),
        folded(&[run_requested(), failure(true)]),
        folded(&[run_requested(), run_enumerated()]),
        folded(&[run_requested(), failure(false)]),
    ];
    let table =
        [(NEW, "requested", DUE), (DUE, "enumerated", ENUMERATED), (DUE, "retry", DUE), (DUE, "person", FAILED)];
    let foreign = samples::all().into_iter().map(|(_, sample)| ("foreign", sample.event));
    let foreign = foreign.filter(|(_, event)| !event.type_name().contains(".run."));
    let own = [
        ("requested", run_requested()),
        ("enumerated", run_enumerated()),
        ("retry", failure(true)),
        ("person", failure(false)),
    ];
    for (name, event) in own.into_iter().chain(foreign) {
        for state in &states {
            let before = state.describe();
            let expected = table.iter().find(|(from, by, _)| *from == before && *by == name).map(|(_, _, to)| *to);
            let found = state.clone().next(&recorded(9, event.clone())).ok().map(|after| after.describe());
            assert_eq!(found.as_deref(), expected, "{before} by {name}");
        }
    }
}

#[test]
fn a_run_is_settled_when_it_enumerated_or_failed_for_good() {
    assert!(!folded(&[]).is_settled());
    assert!(!folded(&[run_requested()]).is_settled());
    assert!(!folded(&[run_requested(), failure(true)]).is_settled());
    assert!(folded(&[run_requested(), failure(true), run_enumerated()]).is_settled());
    assert!(folded(&[run_requested(), failure(false)]).is_settled());
}

#[test]
fn its_attempts_are_counted_and_success_clears_the_failure() {
    let failing = [run_requested(), failure(true), failure(true)];
    assert_eq!(folded(&failing).attempt(), 3);
    assert_eq!(folded(&[&failing[..], &[run_enumerated()]].concat()).failure, None);
}
