//! The demo, and the other verbs in the folder that it leaves.

use std::path::Path;
use std::process::Command;

use strongroom_model::{Algorithm, Digest};

use crate::rig::{Ended, Running, program, run, until};

/// A demo with that many bookings in `here`, below a new folder.
pub(crate) fn demo(bookings: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["demo", "--bookings", bookings, "--dir", "here"]).expect(0);
    folder
}

fn printed(story: &str) -> String {
    let (_, next) = story.split_once("Try next\n").unwrap();
    next.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_command_that_the_demo_prints_works_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let story = run(folder.path(), &["demo", "--bookings", "4", "--dir", "it's here"]).expect(0).stdout;
    let commands = printed(&story);
    assert!(
        commands.contains("status") && commands.contains("sha256sum") && commands.contains("run --once"),
        "{story}"
    );
    // The last background process is the server that one of the commands started.
    let script = format!("set -e\ntrap 'kill $!' EXIT\n{commands}\n");
    let ended: Ended = Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output().unwrap().into();
    ended.expect(0);
    let status = run(&folder.path().join("it's here"), &["status", "--json"]).json();
    assert_eq!(status["bookings"]["archived"], 7, "the demo's four, and the three that were imported");
}

#[test]
fn the_demo_again_goes_on_where_it_was_and_says_so() {
    let folder = demo("3");
    let again = run(folder.path(), &["demo", "--bookings", "3", "--dir", "here"]).expect(0);
    assert!(again.stdout.contains("Going on in here, where 3 bookings were generated before"), "{}", again.stdout);
    assert!(again.stdout.contains("Nothing to back up"), "{}", again.stdout);
    let more = run(folder.path(), &["demo", "--bookings", "5", "--dir", "here"]).expect(0);
    assert!(more.stdout.contains("2 files backed up, proven and archived"), "{}", more.stdout);
}

#[test]
fn the_four_faults_are_real_and_each_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["demo", "--bookings", "2", "--with-faults", "--dir", "here"]).expect(2);
    let status = run(&folder.path().join("here"), &["status", "--json"]).expect(2).json();
    assert_eq!((&status["bookings"]["archived"], &status["bookings"]["needs_attention"]), (&4.into(), &2.into()));
    let kinds: Vec<_> = status["causes"].as_array().unwrap().iter().map(|cause| cause["kind"].clone()).collect();
    assert!(kinds.contains(&"record-wrong".into()) && kinds.contains(&"file-missing".into()), "{kinds:?}");
    assert!(ended.stdout.contains("it was cut just now"), "{}", ended.stdout);
    assert!(ended.stdout.contains("that an earlier transfer had left"), "it was resumed: {}", ended.stdout);
    assert!(!ended.stdout.contains('\u{202e}'), "the hostile name is escaped");
}

#[test]
fn what_needs_a_person_is_given_back_once_and_taken_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["demo", "--bookings", "1", "--with-faults", "--dir", "here"]).expect(2);
    let here = folder.path().join("here");
    let refused = run(&here, &["retry", "--booking", "B-0001x"]).expect(1);
    assert!(refused.stdout.contains("knows no such booking"), "{}", refused.stdout);
    let missing = run(&here, &["retry", "--all", "--kind", "file-missing", "--json"]).expect(0).json();
    assert_eq!(missing["retried"].as_array().unwrap().len(), 1, "{missing}");
    let twice = run(&here, &["retry", "--booking", "F-missing-file"]).expect(1);
    assert!(twice.stdout.contains("given back already"), "{}", twice.stdout);
    let _server = Running::start(&mut program(&here, &["server"]));
    run(&here, &["run", "--once"]).expect(2);
    let status = run(&here, &["status", "--json"]).json();
    assert_eq!(status["bookings"]["needs_attention"], 2, "its file is still missing");
    assert_eq!(status["bookings"]["waiting"], 0, "what needs a person is in hand");
}

#[test]
fn a_record_that_was_put_right_is_backed_up_and_its_alarm_is_over() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["demo", "--bookings", "1", "--with-faults", "--dir", "here"]).expect(2);
    let here = folder.path().join("here");
    let file = "inbox/F-wrong-checksum.pdf";
    let digest = Digest::of(Algorithm::Sha256, &std::fs::read(here.join("documents").join(file)).unwrap());
    let list = format!("id,path,signed_off_at,digest\nF-wrong-checksum,{file},2026-11-20,{digest}\n");
    std::fs::write(here.join("right.csv"), list).unwrap();
    let import = run(&here, &["server", "import", "right.csv"]).expect(0);
    assert!(import.stdout.contains("1 with a corrected digest"), "{}", import.stdout);
    run(&here, &["retry", "--booking", "F-wrong-checksum", "--reason", "the record was wrong"]).expect(0);
    let _server = Running::start(&mut program(&here, &["server"]));
    run(&here, &["run", "--once"]).expect(2);
    let status = run(&here, &["status", "--json"]).json();
    assert_eq!((&status["bookings"]["archived"], &status["bookings"]["needs_attention"]), (&4.into(), &1.into()));
    assert_eq!(status.get("alarms"), None, "{status}");
}

#[test]
fn ones_own_files_are_copied_and_a_second_time_adds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own");
    std::fs::create_dir(&own).unwrap();
    for name in ["a.txt", "Über.docx", "x.tar.gz"] {
        std::fs::write(own.join(name), name).unwrap();
    }
    let first = run(folder.path(), &["demo", "--files", "own", "--dir", "here"]).expect(0);
    assert!(first.stdout.contains("3 files backed up, proven and archived"), "{}", first.stdout);
    let second = run(folder.path(), &["demo", "--files", "own", "--dir", "here"]).expect(0);
    assert!(second.stdout.contains("3 were there before"), "{}", second.stdout);
    assert!(second.stdout.contains("Nothing to back up"), "{}", second.stdout);
    let missing = run(folder.path(), &["demo", "--files", "nowhere", "--dir", "there"]).expect(1);
    assert!(missing.stderr.contains("nowhere"), "{}", missing.stderr);
}

#[test]
fn the_log_is_replayed_exported_and_verified() {
    let folder = demo("2");
    let here = folder.path().join("here");
    let export = run(&here, &["log", "export"]).expect(0).stdout;
    let verified = run(&here, &["log", "verify", "--json"]).expect(0).json();
    assert_eq!((&verified["ok"], &verified["size"]), (&true.into(), &export.lines().count().into()));
    let status = run(&here, &["status", "--json"]).expect(2).json();
    assert!(status["bookings"]["waiting"].is_null(), "the demo's server has ended: what waits is unknown");
    assert_eq!(verified["root"], status["log"]["root"]);
    let replay = run(&here, &["replay", "--json"]).expect(0).json();
    assert_eq!(replay["events"].as_array().unwrap().len(), export.lines().count());
    assert_eq!(replay["state"]["bookings"]["archived"], 2);
    let early = run(&here, &["replay", "--as-of", "0", "--json"]).expect(0).json();
    assert_eq!(early["events"].as_array().unwrap().len(), 1);
    let one = run(&here, &["replay", "--booking", "B-0002", "--json"]).expect(0).json();
    assert_eq!(one["state"]["booking"]["state"], "archived");
    run(&here, &["replay", "--booking", "B-9999"]).expect(1);
    let tail = run(&here, &["log", "tail", "--lines", "3", "--no-follow"]).expect(0).stdout;
    assert_eq!(tail.lines().count(), 3, "{tail}");
}

#[test]
fn tables_and_differences_of_any_two_moments_come_as_text_json_and_csv() {
    let folder = demo("2");
    let here = folder.path().join("here");
    let size = run(&here, &["log", "verify", "--json"]).expect(0).json()["size"].as_u64().unwrap();
    let last = (size - 1).to_string();
    let diff = run(&here, &["replay", "--diff", "2020-01-01T00:00Z", &last, "--json"]).expect(0).json();
    assert_eq!((&diff["from_size"], &diff["to_size"]), (&0.into(), &size.into()));
    let new = |one: &serde_json::Value| one["kind"] == "booking" && one["change"] == "new" && one["subjects"] == 2;
    assert!(diff["counts"].as_array().unwrap().iter().any(new), "{diff}");
    let text = run(&here, &["replay", "--diff", "0", &last, "--limit", "1"]).expect(0).stdout;
    assert!(text.contains("booking: new, archived") && text.contains("there are more: add --after"), "{text}");
    let csv = run(&here, &["replay", "--diff", "0", "2030-01-01T00:00Z", "--limit", "1", "--csv"]).expect(0).stdout;
    let expected = run(&here, &["replay", "--diff", "0", &last, "--json"]).expect(0).json();
    assert_eq!(csv.lines().count(), 1 + expected["items"].as_array().unwrap().len(), "{csv}");
    run(&here, &["replay", "--diff", &last, "0"]).expect(64);
    for table in ["bookings", "drives", "runs"] {
        let json = run(&here, &["replay", "--table", table, "--json"]).expect(0).json();
        let rows = json["items"].as_array().unwrap().len();
        let csv = run(&here, &["replay", "--as-of", &last, "--table", table, "--csv"]).expect(0).stdout;
        let columns: Vec<_> = csv.lines().map(|line| line.split(',').count()).collect();
        assert_eq!((columns.len(), rows > 0), (rows + 1, true), "{table}: {csv}");
        assert!(columns.iter().all(|number| *number == columns[0]), "{table}: {csv}");
        let text = run(&here, &["replay", "--table", table]).expect(0).stdout;
        assert_eq!(text.lines().count(), rows, "{table}: {text}");
    }
    run(&here, &["replay", "--csv"]).expect(64);
    let at = ["--as-of", "2030-01-01T00:00Z", "--json"];
    let status = run(&here, &[&["status"][..], &at].concat()).expect(0).json();
    assert_eq!(status["as_of"], size - 1);
    let runs = run(&here, &[&["list", "runs"][..], &at].concat()).expect(0).json();
    assert_eq!(runs["as_of"], size - 1);
    let early = run(&here, &["status", "--as-of", "2020-01-01T00:00Z"]).expect(1);
    assert!(early.stderr.contains("begins after 2020-01-01T00:00:00Z"), "{}", early.stderr);
}

#[test]
fn what_the_log_knows_is_listed_page_by_page_now_and_as_it_was() {
    let folder = demo("2");
    let here = folder.path().join("here");
    let archived = ["list", "subjects", "--status", "archived", "--limit", "1", "--json"];
    let first = run(&here, &archived).expect(0).json();
    let (as_of, after) = (first["as_of"].to_string(), first["next"].to_string());
    let rest = run(&here, &[&archived[..], &["--as-of", &as_of, "--after", &after]].concat()).expect(0).json();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &serde_json::Value::Null));
    assert_ne!(first["items"][0]["subject"], rest["items"][0]["subject"]);
    let drives = run(&here, &["list", "drives", "--json"]).expect(0).json();
    assert_eq!((&drives["items"][0]["proven_copies"], &drives["next"]), (&2.into(), &serde_json::Value::Null));
    let runs = run(&here, &["list", "runs"]).expect(0).stdout;
    assert!(runs.contains("took 2 of 2 waiting"), "{runs}");
    run(&here, &["list", "alarms", "--cleared"]).expect(0);
    let early = run(&here, &["status", "--as-of", "0", "--json"]).expect(0).json();
    assert_eq!((&early["log"]["size"], &early["safety"]), (&1.into(), &"unknown".into()));
    let late = run(&here, &["list", "runs", "--as-of", "100000"]).expect(1).stderr;
    assert!(late.contains("position 100000 is after the end of the log"), "{late}");
    let unknown = run(&here, &["list", "subjects", "--status", "x"]).expect(1).stderr;
    assert!(unknown.contains("unknown status \"x\" of a booking: expected given-back, enumerated"), "{unknown}");
}

#[test]
fn a_changed_byte_in_the_log_is_found_by_its_position() {
    let folder = demo("1");
    let log = folder.path().join("here/data/log.sqlite");
    let here = folder.path().join("here");
    let export = run(&here, &["log", "export"]).expect(0).stdout;
    let position = export.lines().position(|event| event.contains("\"oldest\":100")).unwrap();
    change_a_byte(&log, b"\"oldest\":100");
    let verified = run(&here, &["log", "verify"]).expect(1);
    assert!(verified.stdout.contains(&format!("DAMAGED: position {position}:")), "{}", verified.stdout);
}

/// Changes the last byte of `what` wherever it stands in the file, behind the database's back.
fn change_a_byte(file: &Path, what: &[u8]) {
    let mut bytes = std::fs::read(file).unwrap();
    let places: Vec<_> = (0..bytes.len() - what.len()).filter(|at| bytes[*at..].starts_with(what)).collect();
    assert!(!places.is_empty(), "it stands in the file itself");
    for at in places {
        bytes[at + what.len() - 1] = b'1';
    }
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn a_tail_shows_each_new_event_as_it_happens() {
    let folder = demo("1");
    let here = folder.path().join("here");
    let out = folder.path().join("tail.txt");
    let mut tail = program(&here, &["log", "tail", "--lines", "0"]);
    let mut tail = Running(tail.stdout(std::fs::File::create(&out).unwrap()).spawn().unwrap());
    run(folder.path(), &["demo", "--bookings", "2", "--dir", "here"]).expect(0);
    until("the tail to show it", || {
        std::fs::read_to_string(&out).unwrap().contains("Booking B-0002 is archived").then_some(())
    });
    assert!(tail.0.try_wait().unwrap().is_none(), "it goes on");
}

#[test]
fn a_runs_ending_is_one_json_object_where_that_is_asked_for() {
    let folder = demo("3");
    let here = folder.path().join("here");
    let _server = Running::start(&mut program(&here, &["server"]));
    let ending = run(&here, &["run", "--once", "--json"]).expect(0).json();
    assert_eq!((&ending["ok"], &ending["archived"]), (&true.into(), &0.into()), "{ending}");
    assert_eq!(ending["zero"], "no signed-off document waits on the server");
}

#[test]
fn r11_a_run_by_hand_is_requested_in_the_log_in_the_name_of_whoever_called_it() {
    let folder = demo("1");
    let export = run(&folder.path().join("here"), &["log", "export"]).expect(0).stdout;
    let requested: Vec<_> = export.lines().filter(|line| line.contains("\"strongroom.run.requested.v1\"")).collect();
    assert!(!requested.is_empty(), "{export}");
    assert!(requested.iter().all(|line| line.contains("\"actor\":\"operator@")), "{requested:?}");
}
