//! A booking's whole table: each state that it can be in, against each possible event.

use strongroom_model::booking::{Booking, Phase};
use strongroom_model::{Event, FailureKind, Fold as _, StageName, Status, status_after};

use crate::samples::{
    self, archived, backed_up, digest, enumerated, failed, fetched, held, purged, recorded, restored, retried,
};

/// A booking's condition beside its phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Well,
    /// It failed, and is tried again by itself.
    Waits,
    /// It failed, and needs a person.
    Person,
}
use Standing::{Person, Waits, Well};

type State = (Phase, Standing);

fn failure(stage: StageName, retry: bool) -> Event {
    Event::TimesheetFailed(failed(stage, retry))
}

fn folded(events: &[Event]) -> Booking {
    samples::folded(events)
}

fn standing(booking: &Booking) -> State {
    let standing = match &booking.failure {
        None => Well,
        Some(_) if booking.needs_attention() => Person,
        Some(_) => Waits,
    };
    (booking.phase, standing)
}

/// Every state that legal events lead to, each by a shortest way.
fn states() -> Vec<(State, Booking)> {
    let with = |events: &[Event], stage| {
        let failing = |retry| [events, &[failure(stage, retry)]].concat();
        [events.to_vec(), failing(true), failing(false)]
    };
    let to_enumerated = [enumerated()];
    let to_backed_up = [enumerated(), fetched(), backed_up()];
    let to_archived = [enumerated(), fetched(), backed_up(), archived()];
    let mut ways = Vec::new();
    ways.extend(with(&[], StageName::Enumerate));
    ways.extend(with(&to_enumerated, StageName::Fetch));
    ways.push(vec![enumerated(), fetched()]);
    ways.extend(with(&to_backed_up, StageName::Archive));
    ways.push(to_archived.to_vec());
    ways.push([&to_archived[..], &[purged()]].concat());
    ways.into_iter().map(|way| folded(&way)).map(|booking| (standing(&booking), booking)).collect()
}

/// Every possible event: each of its own, each stage's failure with both fates, each
/// stage's retry, and one of every other kind of subject.
fn events() -> Vec<(String, Event)> {
    let mut events: Vec<_> = [enumerated(), fetched(), backed_up(), archived(), purged(), restored()]
        .into_iter()
        .map(|event| (event.type_name().trim_start_matches("strongroom.timesheet.").replace(".v1", ""), event))
        .collect();
    for &stage in StageName::ALL {
        events.push((format!("{stage} failed, retry"), failure(stage, true)));
        events.push((format!("{stage} failed, person"), failure(stage, false)));
        events.push((format!("retried from {stage}"), retried(stage)));
        events.push((format!("held by {stage}"), held(stage)));
    }
    let foreign = samples::all().into_iter().map(|(name, sample)| (name, sample.event));
    events.extend(foreign.filter(|(name, _)| !name.contains(".timesheet.")));
    events
}

/// Every legal transition. What is not here is refused.
fn table() -> Vec<(State, &'static str, State)> {
    use Phase::{Archived, BackedUp, Enumerated, Fetched, New, Purged};
    let mut table = vec![
        ((Fetched, Well), "backed-up", (BackedUp, Well)),
        // What could not be proven is fetched anew.
        ((Fetched, Well), "verify failed, retry", (Enumerated, Waits)),
        ((Fetched, Well), "verify failed, person", (Enumerated, Person)),
        ((Fetched, Well), "held by verify", (Fetched, Well)),
        ((Archived, Well), "purged", (Purged, Well)),
        // Lost or damaged on the server, or purged: it is there again.
        ((Archived, Well), "restored", (Archived, Well)),
        ((Purged, Well), "restored", (Archived, Well)),
        // The server has forgotten it.
        ((Archived, Well), "retried from archive", (BackedUp, Well)),
        // A person leads on; before the proof that is from the server's record on.
        ((New, Person), "retried from enumerate", (New, Well)),
        ((Enumerated, Person), "retried from enumerate", (New, Well)),
        ((BackedUp, Person), "retried from archive", (BackedUp, Well)),
        // The server's record was corrected since.
        ((BackedUp, Person), "retried from enumerate", (New, Well)),
        ((Archived, Well), "retried from enumerate", (New, Well)),
    ];
    for before in [Well, Waits] {
        table.extend([
            ((New, before), "enumerated", (Enumerated, Well)),
            ((New, before), "enumerate failed, retry", (New, Waits)),
            ((New, before), "enumerate failed, person", (New, Person)),
            ((Enumerated, before), "fetched", (Fetched, Well)),
            // To say that one is still at work changes nothing.
            ((Enumerated, before), "held by fetch", (Enumerated, before)),
            ((BackedUp, before), "held by archive", (BackedUp, before)),
            ((Enumerated, before), "fetch failed, retry", (Enumerated, Waits)),
            ((Enumerated, before), "fetch failed, person", (Enumerated, Person)),
            ((BackedUp, before), "archived", (Archived, Well)),
            ((BackedUp, before), "archive failed, retry", (BackedUp, Waits)),
            ((BackedUp, before), "archive failed, person", (BackedUp, Person)),
        ]);
    }
    table
}

#[test]
fn every_transition_is_in_the_table_or_refused() {
    let (states, events, table) = (states(), events(), table());
    let mut legal = 0;
    for (before, booking) in &states {
        for (name, event) in &events {
            let expected = table.iter().find(|(from, by, _)| from == before && by == name).map(|(_, _, to)| *to);
            let moved = booking.clone().next(&recorded(9, event.clone()));
            let found = moved.as_ref().ok().map(standing);
            assert_eq!(found, expected, "{before:?} by {name}");
            match moved {
                Ok(after) => {
                    legal += 1;
                    assert_eq!(after.changed_at, Some(samples::at(9)));
                    let label = |booking: &Booking| Some(Status::labelled(booking.status().label()));
                    assert_eq!(status_after(label(booking).as_ref(), event), label(&after), "{name} after {before:?}");
                }
                Err(refusal) => assert_eq!(refusal.event, event.type_name()),
            }
        }
    }
    assert_eq!(states.len(), 12);
    assert_eq!(legal, table.len(), "a line of the table names a state or an event that does not exist");
}

#[test]
fn the_states_are_all_different_and_described_apart() {
    let states = states();
    for (index, (state, booking)) in states.iter().enumerate() {
        for (other, other_booking) in &states[index + 1..] {
            assert_ne!(state, other);
            assert_ne!(booking.describe(), other_booking.describe());
        }
    }
}

#[test]
fn only_a_booking_that_was_never_taken_or_was_given_back_is_not_claimed() {
    for ((phase, standing), booking) in states() {
        assert_eq!(booking.is_claimed(), phase != Phase::New || standing != Well, "{phase:?} {standing:?}");
    }
    assert!(!folded(&[enumerated(), failure(StageName::Fetch, false), retried(StageName::Enumerate)]).is_claimed());
}

/// Fetch and verify could otherwise hand a bad file to each other for ever.
#[test]
fn failures_are_counted_until_the_copy_is_proven() {
    let way = [enumerated(), fetched(), failure(StageName::Verify, true), fetched()];
    let booking = folded(&way);
    assert_eq!((booking.failures, booking.attempt()), (1, 2));
    assert_eq!(booking.wrong_digest, Some(digest("wrong")));
    assert_eq!(booking.failure, None);
    let booking = folded(&[&way[..], &[failure(StageName::Verify, true), fetched()]].concat());
    assert_eq!(booking.attempt(), 3);
    let proven = folded(&[&way[..], &[backed_up()]].concat());
    assert_eq!((proven.attempt(), proven.wrong_digest), (1, None));
}

#[test]
fn a_verify_failure_forgets_the_copy_that_it_could_not_prove() {
    let booking = folded(&[enumerated(), fetched(), failure(StageName::Verify, true)]);
    assert_eq!(booking.fetched, None);
    assert!(booking.enumerated.is_some());
}

#[test]
fn a_wrong_digest_is_the_last_attempts_own() {
    let booking = folded(&[enumerated(), failure(StageName::Fetch, true)]);
    assert_eq!(booking.wrong_digest, Some(digest("wrong")));
    let mut other = failed(StageName::Fetch, true);
    other.digest = None;
    let booking = folded(&[enumerated(), failure(StageName::Fetch, true), Event::TimesheetFailed(other)]);
    assert_eq!(booking.wrong_digest, None);
}

#[test]
fn that_the_record_was_wrong_is_known_until_a_copy_is_proven() {
    let mut wrong = failed(StageName::Verify, false);
    wrong.kind = FailureKind::RecordWrong;
    let way = [enumerated(), fetched(), Event::TimesheetFailed(wrong), retried(StageName::Enumerate)];
    let given_back = folded(&way);
    assert!(given_back.record_wrong, "the alarm about it is still to be cleared");
    assert_eq!(given_back.enumerated, None, "the server's record is asked for anew");
    assert!(!folded(&[&way[..], &[enumerated(), fetched(), backed_up()]].concat()).record_wrong);
}

#[test]
fn a_retry_after_the_proof_keeps_the_proof() {
    let way = [enumerated(), fetched(), backed_up(), failure(StageName::Archive, false)];
    let booking = folded(&[&way[..], &[retried(StageName::Archive)]].concat());
    assert!(booking.backed_up.is_some() && booking.failure.is_none());
    assert_eq!(booking.attempt(), 1);
    let forgotten = folded(&[enumerated(), fetched(), backed_up(), archived(), retried(StageName::Archive)]);
    assert_eq!(forgotten.archived, None);
}

/// The copy is proven, but not of what the server's record says by now.
#[test]
fn a_proof_of_another_digest_than_the_records_begins_anew() {
    let way = [enumerated(), fetched(), backed_up(), failure(StageName::Archive, false)];
    let booking = folded(&way);
    let proven = booking.backed_up.clone().unwrap().digest;
    assert_eq!(booking.retry_stage(Some(&proven)), StageName::Archive);
    assert_eq!(booking.retry_stage(None), StageName::Archive);
    assert_eq!(booking.retry_stage(Some(&digest("corrected"))), StageName::Enumerate);
    let anew = folded(&[&way[..], &[retried(StageName::Enumerate)]].concat());
    assert_eq!((anew.phase, anew.backed_up, anew.proven), (Phase::New, None, None));
    let again = [&way[..], &[retried(StageName::Enumerate), enumerated(), fetched(), backed_up()]].concat();
    assert_eq!(folded(&again).phase, Phase::BackedUp);
    // What was never proven has nothing to go on with.
    assert_eq!(folded(&way[..2]).retry_stage(None), StageName::Enumerate);
}

/// The server counts proofs by their event: a second id would look like a second proof.
#[test]
fn a_proof_keeps_its_event_through_failures_and_retries() {
    let proven = folded(&[enumerated(), fetched(), backed_up()]).proven;
    assert!(proven.is_some());
    let mut events = vec![enumerated(), fetched(), backed_up(), failure(StageName::Archive, true)];
    assert_eq!(folded(&events).proven, proven);
    events.extend([failure(StageName::Archive, false), retried(StageName::Archive)]);
    assert_eq!(folded(&events).proven, proven);
    let anew = [enumerated(), failure(StageName::Fetch, false), retried(StageName::Enumerate)];
    assert_eq!(folded(&anew).proven, None);
}
