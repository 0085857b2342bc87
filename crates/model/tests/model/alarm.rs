//! An alarm's whole table: raised and cleared in turn, each notified once.

use strongroom_model::alarm::{Alarm, Change};
use strongroom_model::{Event, EventId, Fold as _, StageName};

use crate::samples::{self, alarm_cleared, alarm_notified, alarm_raised, failed, foreign, recorded};

fn failure() -> Event {
    Event::AlarmFailed(failed(StageName::Notify, true))
}

fn folded(events: &[Event]) -> Alarm {
    samples::folded(events)
}

/// The id of the event at that place in a history.
fn id(version: u32) -> EventId {
    recorded(version, alarm_raised()).id
}

#[test]
fn every_transition_is_in_the_table_or_refused() {
    // (raised, anything pending) names the state; `about` is what is pending in it.
    let notified = [alarm_raised(), alarm_notified(vec![id(0)])];
    let states = [
        (folded(&[]), vec![]),
        (folded(&[alarm_raised()]), vec![id(0)]),
        (folded(&notified), vec![]),
        (folded(&[alarm_raised(), alarm_cleared()]), vec![id(0), id(1)]),
        (folded(&[&notified[..], &[alarm_cleared(), alarm_notified(vec![id(2)])]].concat()), vec![]),
    ];
    let table = [
        (false, false, "raised", Some((true, true))),
        (false, true, "raised", Some((true, true))),
        (true, false, "cleared", Some((false, true))),
        (true, true, "cleared", Some((false, true))),
        (false, true, "notified", Some((false, false))),
        (true, true, "notified", Some((true, false))),
        (false, true, "failed", Some((false, true))),
        (true, true, "failed", Some((true, true))),
    ];
    for (alarm, about) in states {
        let before = (alarm.raised.is_some(), !alarm.pending.is_empty());
        let mut events = vec![("raised", alarm_raised()), ("cleared", alarm_cleared()), ("failed", failure())];
        events.push(("notified", alarm_notified(if about.is_empty() { vec![id(7)] } else { about })));
        events.extend(foreign(".alarm."));
        for (name, event) in events {
            let expected = table
                .iter()
                .find(|(raised, pending, by, _)| (*raised, *pending) == before && *by == name)
                .and_then(|(_, _, _, to)| *to);
            let after = alarm.clone().next(&recorded(9, event)).ok();
            let found = after.map(|after| (after.raised.is_some(), !after.pending.is_empty()));
            assert_eq!(found, expected, "{before:?} by {name}");
        }
    }
}

#[test]
fn a_mail_about_a_notified_change_is_refused() {
    let alarm = folded(&[alarm_raised(), alarm_cleared(), alarm_notified(vec![id(0)])]);
    assert!(alarm.clone().next(&recorded(9, alarm_notified(vec![id(0)]))).is_err());
    assert!(alarm.clone().next(&recorded(9, alarm_notified(vec![id(0), id(1)]))).is_err());
    assert!(alarm.next(&recorded(9, alarm_notified(vec![id(1)]))).is_ok());
}

#[test]
fn an_end_is_notified_with_its_beginning() {
    let alarm = folded(&[alarm_raised(), alarm_cleared()]);
    let [begin, end] = &alarm.pending[..] else { panic!("{alarm:?}") };
    let (Change::Raised(raised), Change::Cleared(_, ended)) = (&begin.change, &end.change) else { panic!("{alarm:?}") };
    assert_eq!(raised, ended);
    assert_eq!((begin.id, end.id), (id(0), id(1)));
}

#[test]
fn failed_notifications_are_counted_until_one_succeeds() {
    let failing = [alarm_raised(), failure(), failure()];
    assert_eq!(folded(&failing).attempt(), 3);
    let notified = folded(&[&failing[..], &[alarm_notified(vec![id(0)])]].concat());
    assert_eq!((notified.attempt(), notified.failure), (1, None));
}
