//! A summary's whole table.

use strongroom_model::summary::Summary;
use strongroom_model::{Event, Fold as _, StageName};

use crate::samples::{check_table, failed, folded, foreign, summary_composed, summary_sent};

fn failure() -> Event {
    Event::SummaryFailed(failed(StageName::Notify, true))
}

#[test]
fn every_transition_is_in_the_table_or_refused() {
    const NEW: &str = "a summary that is not composed";
    const WAITS: &str = "a summary that is to be sent";
    const SENT: &str = "a summary that was sent";
    let states: [Summary; 4] = [
        folded(&[]),
        folded(&[summary_composed()]),
        folded(&[summary_composed(), failure()]),
        folded(&[summary_composed(), summary_sent()]),
    ];
    let table = [(NEW, "composed", WAITS), (WAITS, "sent", SENT), (WAITS, "failed", WAITS)];
    let own = [("composed", summary_composed()), ("sent", summary_sent()), ("failed", failure())];
    check_table(&states, own.into_iter().chain(foreign(".summary.")), &table);
}

#[test]
fn its_attempts_are_counted_and_success_clears_the_failure() {
    let failing = [summary_composed(), failure(), failure()];
    assert_eq!(folded::<Summary>(&failing).attempt(), 3);
    assert_eq!(folded::<Summary>(&[&failing[..], &[summary_sent()]].concat()).failure, None);
}
