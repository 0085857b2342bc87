//! Nothing from outside, and no order of events, makes any of it panic (R3, R9).

use proptest::prelude::*;
use strongroom_model::alarm::Alarm;
use strongroom_model::booking::{Booking, Phase};
use strongroom_model::run::Run;
use strongroom_model::summary::Summary;
use strongroom_model::text::printable;
use strongroom_model::{BookingId, ByteCount, Digest, Event, Fold, Month, Position, Recorded, StageName, StreamName};

use crate::samples;

/// Every event there is, and every failure and retry of every stage.
fn pool() -> Vec<Event> {
    let mut pool: Vec<_> = samples::all().into_iter().map(|(_, sample)| sample.event).collect();
    for &stage in StageName::ALL {
        pool.push(samples::retried(stage));
        for retry in [true, false] {
            pool.push(Event::TimesheetFailed(samples::failed(stage, retry)));
        }
    }
    for id in 0..8 {
        let raised = samples::recorded(id, samples::alarm_raised());
        pool.push(samples::alarm_notified(vec![raised.id]));
    }
    pool
}

/// A history as a damaged log could hold it: any events in any order.
fn histories() -> impl Strategy<Value = Vec<Recorded>> {
    let pool = pool();
    proptest::collection::vec(proptest::sample::select(pool), 0..40).prop_map(|events| samples::history(&events))
}

/// Folds on past every refusal; gives back each legal step.
fn walk<S: Fold>(history: &[Recorded]) -> Vec<(S, &Event, S)> {
    let mut state = S::default();
    let mut steps = Vec::new();
    for event in history {
        assert!(state.attempt() >= 1);
        assert!(!state.describe().is_empty());
        if let Ok(after) = state.clone().next(event) {
            steps.push((state, &event.event, after.clone()));
            state = after;
        }
    }
    steps
}

proptest! {
    #[test]
    fn r3_no_order_of_events_panics_a_fold(history in histories()) {
        walk::<Run>(&history);
        walk::<Alarm>(&history);
        walk::<Summary>(&history);
        walk::<Booking>(&history);
    }

    #[test]
    fn a_booking_never_reaches_a_phase_without_its_evidence(history in histories()) {
        for (before, event, after) in walk::<Booking>(&history) {
            prop_assert!(after.phase < Phase::Enumerated || after.enumerated.is_some());
            prop_assert!(after.phase < Phase::Fetched || after.fetched.is_some());
            prop_assert!(after.phase < Phase::BackedUp || after.backed_up.is_some());
            prop_assert!(after.phase < Phase::Archived || after.archived.is_some());
            let stays = matches!(event, Event::TimesheetFailed(_) | Event::TimesheetRetried(_) | Event::TimesheetHeld(_));
            prop_assert!(after.phase > before.phase || stays, "{event:?} led from {before:?} to {after:?}");
            prop_assert!(!before.needs_attention() || matches!(event, Event::TimesheetRetried(_)));
        }
    }

    #[test]
    fn r5_a_proof_is_only_given_up_by_a_person(history in histories()) {
        for (before, event, after) in walk::<Booking>(&history) {
            let by_a_person = matches!(event, Event::TimesheetRetried(_));
            if before.phase >= Phase::BackedUp && !by_a_person {
                prop_assert!(after.phase >= Phase::BackedUp, "{event:?} took the proof away");
            }
        }
    }

    #[test]
    fn r9_no_bytes_panic_the_reader(text in "\\PC{0,200}") {
        let _ = Recorded::parse(&text);
        let _ = text.parse::<Digest>();
        let _ = text.parse::<Month>();
        let _ = text.parse::<ByteCount>();
    }

    #[test]
    fn r9_a_damaged_event_is_an_error_or_an_event(index in 0_usize..22, at in 0_usize..2_000, byte in any::<u8>()) {
        let (_, sample) = samples::all().swap_remove(index);
        let mut bytes = sample.render(&samples::site(), Position(0)).into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(body) = String::from_utf8(bytes) {
            let _ = Recorded::parse(&body);
        }
    }

    #[test]
    fn r9_what_is_printed_stays_on_its_line(text in any::<String>(), most in 0_usize..100) {
        let shown = printable(&text, most);
        prop_assert!(!shown.chars().any(char::is_control), "{shown:?}");
        prop_assert!(shown.chars().count() <= most * 10 + 1, "an escape is 10 characters at most");
    }

    #[test]
    fn a_booking_id_that_is_taken_is_one_part_of_a_path(text in "[ -~]{1,20}|\\PC{0,20}") {
        if let Ok(id) = text.parse::<BookingId>() {
            prop_assert_eq!(id.as_str(), &text);
            prop_assert!(!text.contains(['/', '\\', '\0']) && text != "." && text != "..");
        }
    }

    #[test]
    fn a_stream_that_is_taken_reads_back_as_itself(text in "(booking|run|drive|alarm|summary)?/?\\PC{0,40}") {
        if let Ok(stream) = text.parse::<StreamName>() {
            prop_assert_eq!(stream.to_string(), text);
        }
    }

    #[test]
    fn a_digest_that_is_taken_reads_back_as_itself(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        use strongroom_model::Algorithm::{Blake3, Md5, Sha1, Sha256, Sha512};
        for algorithm in [Md5, Sha1, Sha256, Sha512, Blake3] {
            let digest = Digest::of(algorithm, &bytes);
            prop_assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        }
    }
}
