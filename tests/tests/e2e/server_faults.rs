//! A document server that breaks, lies and forgets: a clear cause in the log, nothing lost.

use strongroom_model::{AlarmKind, Event, FailureKind, Recorded};
use strongroom_tests::audit::{all_is_archived, events, r1_every_manifest_is_right, raised, the_log_is_sound};
use strongroom_tests::program::Ended;
use strongroom_tests::proxy::{Fault, Response};
use strongroom_tests::site::Site;

const FILE: &str = "/timesheet ";
const LIST: &str = "/v1/bookings/waiting";
const BOOKINGS: usize = 5;

fn causes(events: &[Recorded]) -> Vec<FailureKind> {
    let failures = events.iter().filter(|event| matches!(event.event, Event::TimesheetFailed(_)));
    failures.filter_map(|event| Some(event.event.failure()?.kind)).collect()
}

/// The alarms that were raised, and those that were cleared again.
fn alarms(events: &[Recorded]) -> (Vec<AlarmKind>, usize) {
    let cleared = events.iter().filter(|event| matches!(event.event, Event::AlarmCleared(_)));
    (raised(events), cleared.count())
}

/// A run of five bookings in which the proxy does that to the requests with `part`.
fn run_with(part: &str, times: Option<usize>, fault: Fault) -> (Site, Ended) {
    let (mut site, _server) = Site::served(BOOKINGS);
    site.set("retry.max_attempts", "3");
    site.proxy.meddle(part, times, fault);
    let ended = site.run_once().run();
    assert!(site.proxy.meddled() > 0, "the fault met no request: {:?}", site.proxy.requests());
    the_log_is_sound(&site);
    r1_every_manifest_is_right(&site);
    (site, ended)
}

/// A fault that passes costs a retry with that cause, and no person.
fn passes(times: usize, fault: Fault, cause: FailureKind) {
    let (site, ended) = run_with(FILE, Some(times), fault);
    ended.expect_code(0);
    let causes = causes(&events(&site));
    assert!(!causes.is_empty() && causes.iter().all(|kind| *kind == cause), "{cause:?}: {causes:?}");
    all_is_archived(&site, BOOKINGS);
}

/// A fault that stays, of one file only, is recorded with its cause; the others go on, and after
/// the fault is gone and a person says so, so does this one.
fn needs_a_person(fault: Fault, cause: FailureKind) {
    let (mut site, _server) = Site::served(BOOKINGS);
    site.set("retry.max_attempts", "3");
    let victim = first_id(&site);
    site.proxy.meddle(&format!("/{victim}{FILE}"), None, fault);
    let ended = site.run_once().run().expect_code(2);
    assert!(ended.said().contains(cause.cause()), "{:?} is not named:\n{}", cause.cause(), ended.said());
    assert_eq!(site.status()["bookings"]["needs_attention"], 1);
    assert_eq!(site.status()["bookings"]["archived"], BOOKINGS - 1);
    let last = events(&site).into_iter().rev().find_map(|event| match event.event {
        Event::TimesheetFailed(failed) if failed.retry_at.is_none() => Some(failed.kind),
        _ => None,
    });
    assert_eq!(last, Some(cause));
    site.proxy.behave();
    site.call(["retry", "--all", "--reason", "put right"]).run().expect_code(0);
    site.run_once().run().expect_code(0);
    all_is_archived(&site, BOOKINGS);
}

/// The id of the oldest booking that waits, as the server lists it.
fn first_id(site: &Site) -> String {
    let list = site.get("/v1/bookings/waiting?limit=1");
    list["bookings"][0]["id"].as_str().unwrap().to_owned()
}

/// The list as the server would give it, with its first booking changed.
fn with_first(change: impl Fn(&mut serde_json::Value) + Send + Sync + 'static) -> Fault {
    Fault::rewrite(move |answer: &mut Response| {
        let mut list = answer.json();
        if let Some(first) = list["bookings"].get_mut(0) {
            change(first);
        }
        answer.set_body(list.to_string());
    })
}

#[test]
fn a_transfer_that_is_cut_goes_on_where_it_was() {
    let (site, ended) = run_with(FILE, Some(2), Fault::CutAfter(1));
    ended.expect_code(0);
    all_is_archived(&site, BOOKINGS);
    let resumed = events(&site).into_iter().any(|event| match event.event {
        Event::TimesheetFetched(data) => data.resumed_from_bytes.0 > 0,
        _ => false,
    });
    assert!(resumed, "the byte that came was kept");
}

#[test]
fn a_server_that_fails_stops_sending_or_sends_a_wrong_byte_is_asked_again() {
    passes(3, Fault::status(500), FailureKind::ServerError);
    passes(1, Fault::StallAfter(1), FailureKind::Stalled);
    passes(1, Fault::FlipByte(0), FailureKind::WrongDigest);
}

#[test]
fn a_file_that_the_server_lost_or_never_sends_whole_needs_a_person() {
    needs_a_person(Fault::status(404), FailureKind::FileMissing);
    needs_a_person(Fault::status(500), FailureKind::ServerError);
    // Without a byte of progress.
    needs_a_person(Fault::CutAfter(0), FailureKind::CutShort);
    needs_a_person(Fault::Append(b"and more".to_vec()), FailureKind::TooLong);
}

#[test]
fn a_body_that_was_compressed_on_the_way_and_a_redirect_to_another_server_need_a_person() {
    let fault = Fault::rewrite(|answer: &mut Response| answer.set_header("content-encoding", "gzip"));
    needs_a_person(fault, FailureKind::Encoded);
    let answer =
        "HTTP/1.1 302 Found\r\nlocation: http://198.51.100.1/x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    needs_a_person(Fault::Answer(answer.to_owned()), FailureKind::Redirected);
}

#[test]
fn a_file_that_is_not_what_the_record_says_needs_a_person_and_raises_one_alarm() {
    let (mut site, _server) = Site::served(BOOKINGS);
    site.set("retry.max_attempts", "5");
    let victim = first_id(&site);
    site.proxy.meddle(&format!("/{victim}{FILE}"), None, Fault::FlipByte(0));
    site.run_once().run().expect_code(2);
    let all = events(&site);
    assert_eq!(causes(&all).last(), Some(&FailureKind::RecordWrong), "twice the same wrong digest");
    assert_eq!(alarms(&all).0, [AlarmKind::RecordWrong]);
    site.proxy.behave();
    site.call(["retry", "--all"]).run().expect_code(0);
    site.run_once().run().expect_code(0);
    assert_eq!(alarms(&events(&site)).1, 1, "the alarm's end is recorded");
    all_is_archived(&site, BOOKINGS);
}

#[test]
fn a_list_that_is_no_json_raises_one_alarm_and_nothing_is_lost() {
    let fault = Fault::rewrite(|answer: &mut Response| answer.set_body("<html>It works!</html>"));
    let (site, ended) = run_with(LIST, None, fault);
    ended.expect_code(2);
    assert_eq!(alarms(&events(&site)).0, [AlarmKind::ServerConfused]);
    site.proxy.behave();
    let _server = site.serve();
    site.run_once().run().expect_code(0);
    all_is_archived(&site, BOOKINGS);
}

#[test]
fn r8_a_list_that_shows_none_of_those_that_wait_is_a_problem_of_its_own() {
    let fault = Fault::rewrite(|answer: &mut Response| answer.set_body(r#"{"bookings":[],"waiting":5,"next":null}"#));
    let (site, ended) = run_with(LIST, None, fault);
    ended.expect_code(2).expect_said("its list shows none of them");
    site.proxy.behave();
    let _server = site.serve();
    site.run_once().run().expect_code(0);
}

#[test]
fn a_token_that_is_refused_raises_one_alarm_and_nothing_is_lost() {
    for status in [401, 403] {
        let (site, ended) = run_with("/v1/", None, Fault::status(status));
        ended.expect_code(2);
        assert_eq!(alarms(&events(&site)).0, [AlarmKind::ServerRefuses]);
        site.proxy.behave();
        let _server = site.serve();
        site.run_once().run().expect_code(0);
        assert_eq!(alarms(&events(&site)), (vec![AlarmKind::ServerRefuses], 1));
        all_is_archived(&site, BOOKINGS);
    }
}

#[test]
fn a_server_that_is_down_raises_one_alarm_and_its_end_is_told() {
    let mut site = Site::new();
    site.set("retry.wait_once", "1s");
    site.add_documents(BOOKINGS);
    site.run_once().run().expect_code(2);
    site.run_once().run().expect_code(2);
    assert_eq!(alarms(&events(&site)), (vec![AlarmKind::ServerUnreachable], 0), "two runs, one alarm");
    let _server = site.serve();
    site.run_once().run().expect_code(0);
    assert_eq!(alarms(&events(&site)), (vec![AlarmKind::ServerUnreachable], 1));
    all_is_archived(&site, BOOKINGS);
}

#[test]
fn a_digest_that_cannot_be_checked_is_rejected_and_the_others_go_on() {
    let (site, _) = run_with(LIST, None, with_first(|first| first["digest"] = "crc32:352441c2".into()));
    assert_eq!(site.status()["bookings"]["archived"], BOOKINGS - 1);
    let reason = events(&site).into_iter().find_map(|event| match event.event {
        Event::RunEnumerated(run) => run.rejected.into_iter().next(),
        _ => None,
    });
    assert!(reason.as_ref().is_some_and(|rejected| rejected.reason.contains("crc32")), "{reason:?}");
}

#[test]
fn a_size_that_nobody_could_have_stops_nothing_else() {
    for size in [u64::MAX, 1 << 60] {
        let (site, _) = run_with(LIST, None, with_first(move |first| first["size_bytes"] = size.into()));
        assert_eq!(site.status()["bookings"]["archived"], BOOKINGS - 1, "{size}");
    }
}

#[test]
fn a_booking_that_is_listed_twice_is_taken_once() {
    let twice = Fault::rewrite(|answer: &mut Response| {
        let mut list = answer.json();
        let bookings = list["bookings"].as_array_mut().unwrap();
        if let Some(first) = bookings.first().cloned() {
            bookings.push(first);
        }
        answer.set_body(list.to_string());
    });
    let (site, _) = run_with(LIST, None, twice);
    all_is_archived(&site, BOOKINGS);
    let unusable = events(&site).into_iter().find_map(|event| match event.event {
        Event::RunEnumerated(run) => Some(run.unusable),
        _ => None,
    });
    assert_eq!(unusable, Some(1), "and that is told");
}

/// Each request, once not done and once done but reported as failed.
#[test]
fn r3_an_answer_that_is_lost_and_a_request_that_is_lost_change_nothing_twice() {
    for part in [LIST, FILE, "POST /v1/marks", "POST /v1/moves"] {
        for fault in [Fault::Refuse, Fault::LoseAnswer, Fault::status(503)] {
            let (site, ended) = run_with(part, Some(2), fault);
            ended.expect_code(0);
            all_is_archived(&site, BOOKINGS);
        }
    }
}

#[test]
fn r1_the_server_is_told_of_nothing_that_is_not_proven() {
    let (site, _server) = Site::served(BOOKINGS);
    site.proxy.meddle(FILE, None, Fault::FlipByte(0));
    site.run_once().run().expect_code(2);
    let told = site.proxy.requests().iter().filter(|line| line.starts_with("POST ")).count();
    assert_eq!(told, 0, "{:?}", site.proxy.requests());
}
