//! A summary's whole table.

use strongroom_model::fold::fold;
use strongroom_model::summary::Summary;
use strongroom_model::{Event, Fold as _, Recorded, StageName};

use crate::samples::{self, failed, recorded, summary_composed, summary_sent};

fn failure() -> Event {
    Event::SummaryFailed(failed(StageName::Notify, true))
}

fn folded(events: &[Event]) -> Summary {
    let events: Vec<Recorded> =
        events.iter().enumerate().map(|(version, event)| recorded(version as u32, event.clone())).collect();
    fold(&events).unwrap()
}

#[test]
fn every_transition_is_in_the_table_or_refused() {
    const NEW: &str = "a summary that is not composed";
    const WAITS: &str = "a summary that is to be sent";
    const SENT: &str = "a summary that was sent";
    let states = [
        folded(&[]),
        folded(&[summary_composed()]),
        folded(&[summary_composed(), failure()]),
        folded(&[summary_composed(), summary_sent()]),
    ];
    let table = [(NEW, "composed", WAITS), (WAITS, "sent", SENT), (WAITS, "failed", WAITS)];
    let foreign = samples::all().into_iter().map(|(_, sample)| ("foreign", sample.event));
    let foreign = foreign.filter(|(_, event)| !event.type_name().contains(".summary."));
    let own = [("composed", summary_composed()), ("sent", summary_sent()), ("failed", failure())];
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
fn its_attempts_are_counted_and_success_clears_the_failure() {
    let failing = [summary_composed(), failure(), failure()];
    assert_eq!(folded(&failing).attempt(), 3);
    assert_eq!(folded(&[&failing[..], &[summary_sent()]].concat()).failure, None);
}
