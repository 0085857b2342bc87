//! SIGKILL between any two durable steps: the next start finds everything in order, and
//! doing the same again ends as if nothing had happened.
//!
//! The process that dies is this test's own program, told to run [`the_one_that_dies`].

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use reqwest::{Method, StatusCode};
use strongroom_model::wire::{Answer, AnswerOutcome, ServerState};
use strongroom_server::import::import_folder;
use strongroom_server::{Server, Settings};

use super::rig::{Rig, problem};

const DIR: &str = "STRONGROOM_TEST_DIR";
const DEED: &str = "STRONGROOM_TEST_DEED";
const BOOKINGS: [&str; 3] = ["B-0", "B-1", "B-2"];

/// Does one thing to the server in a folder, and dies at it if it is told to.
#[tokio::test]
#[ignore = "only to be run by the tests beside it"]
async fn the_one_that_dies() {
    let (Ok(dir), Ok(deed)) = (std::env::var(DIR), std::env::var(DEED)) else { return };
    let rig = Rig::reopen(Path::new(&dir)).await;
    match deed.as_str() {
        "upload" => drop(rig.put("B-0", "a.pdf", "B-0").await),
        "replace" => drop(rig.put("B-0", "b.pdf", "B-0 anew").await),
        "move" => drop(rig.move_to_archived(&BOOKINGS).await),
        "purge" => drop(rig.purge("p-1", &BOOKINGS).await),
        "put-back" => drop(rig.request(Method::PUT, "/v1/bookings/B-0/archived").body("B-0").send().await),
        "import" => drop(import_folder(rig.documents(), &Path::new(&dir).join("scans"), |_| {}).await),
        "reopen" => {}
        "unsure" => unsure(&rig).await,
        "full" => write_fails(&rig, "disk-full").await,
        "read-only" => write_fails(&rig, "disk-read-only").await,
        "failing" => write_fails(&rig, "disk-failing").await,
        other => panic!("{other} is not a deed"),
    }
}

/// The first sync of folders fails.
async fn unsure(rig: &Rig) {
    let answers = rig.move_to_archived(&BOOKINGS).await;
    for answer in answers {
        assert_eq!(answer.outcome, AnswerOutcome::Refused);
        assert!(answer.reason.unwrap().contains("is not certain to last"));
        assert_eq!(rig.info(&answer.id).await.state, ServerState::BackedUp);
    }
    // Asked again, the files are found where they went, and that is durable now.
    let again = rig.move_to_archived(&BOOKINGS).await;
    assert!(again.iter().all(|answer| answer.outcome == AnswerOutcome::Already && answer.path.is_some()), "{again:?}");
    assert_eq!(rig.files().len(), 3);
}

/// The second write of a timesheet fails.
async fn write_fails(rig: &Rig, code: &str) {
    let response = rig.put("B-0", "a.pdf", vec![7; 600_000]).await;
    problem(response, StatusCode::INSUFFICIENT_STORAGE, code).await;
    assert!(rig.files().is_empty());
    assert_eq!(rig.put("B-0", "a.pdf", vec![7; 600_000]).await.status(), StatusCode::CREATED);
}

fn other_process(rig_dir: &Path, deed: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let (_crate, module) = module_path!().split_once("::").unwrap();
    command.args(["--exact", &format!("{module}::the_one_that_dies"), "--ignored", "--nocapture"]).env(DIR, rig_dir).env(DEED, deed);
    command
}

/// Lets another process do something, and die at that point.
pub(crate) fn die(rig_dir: &Path, deed: &str, point: &str) {
    die_with(rig_dir, deed, point, "");
}

/// The same while some calls fail.
fn die_with(rig_dir: &Path, deed: &str, point: &str, faults: &str) {
    let mut process = other_process(rig_dir, deed);
    if !faults.is_empty() {
        process.env("STRONGROOM_FAULT", faults);
    }
    let output = process.env("STRONGROOM_KILL_AT", point).output().unwrap();
    let detail = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(9), "{deed} did not pass {point}: {detail}");
}

/// Lets another process see something fail.
fn fail(rig_dir: &Path, deed: &str, fault: &str) {
    let output = other_process(rig_dir, deed).env("STRONGROOM_FAULT", fault).output().unwrap();
    let detail = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{deed} with {fault}: {detail}");
}

/// A folder in which a server has been, and is no more.
async fn left(prepare: impl AsyncFnOnce(&Rig)) -> tempfile::TempDir {
    let rig = Rig::start().await;
    prepare(&rig).await;
    let Rig { dir, server, .. } = rig;
    server.stop().await;
    dir
}

async fn signed_off(rig: &Rig, proofs: usize) {
    for id in BOOKINGS {
        rig.booking(id, "a.pdf", id.as_bytes()).await;
        for _ in 0..proofs {
            rig.mark_one(id).await;
        }
    }
}

#[tokio::test]
async fn a_kill_during_an_upload_leaves_all_or_nothing() {
    for point in ["after-receive", "after-intent", "after-rename", "after-sync", "after-record"] {
        let dir = left(async |rig| drop(rig.post("/v1/bookings", &serde_json::json!({"id": "B-0"})).await)).await;
        die(dir.path(), "upload", &format!("server.{point}"));
        let rig = Rig::reopen(dir.path()).await;
        let info = rig.info("B-0").await;
        let files = rig.files();
        match info.timesheet {
            None => assert!(files.is_empty(), "{point}: {files:?}"),
            Some(timesheet) => {
                assert_eq!(files, [timesheet.path], "{point}");
                assert_eq!(rig.get("/v1/bookings/B-0/timesheet").await.bytes().await.unwrap(), "B-0");
            }
        }
        let again = rig.put("B-0", "a.pdf", "B-0").await;
        assert!(again.status().is_success(), "{point}");
        assert_eq!(rig.files(), ["uploads/B-0/a.pdf"], "{point}");
    }
}

#[tokio::test]
async fn a_kill_during_a_replacement_leaves_one_file() {
    // Two rounds of settling: the new file's place, then the old one's end.
    for point in [
        "after-intent",
        "after-rename",
        "after-sync",
        "after-record",
        "after-rename:2",
        "after-sync:2",
        "after-record:2",
    ] {
        let dir = left(async |rig| {
            rig.post("/v1/bookings", &serde_json::json!({"id": "B-0"})).await;
            rig.put("B-0", "a.pdf", "B-0").await;
        })
        .await;
        die(dir.path(), "replace", &format!("server.{point}"));
        let rig = Rig::reopen(dir.path()).await;
        let path = rig.info("B-0").await.timesheet.unwrap().path;
        assert_eq!(rig.files(), [path], "{point}");
        assert!(rig.put("B-0", "b.pdf", "B-0 anew").await.status().is_success(), "{point}");
        assert_eq!(rig.files(), ["uploads/B-0/b.pdf"], "{point}");
    }
}

#[tokio::test]
async fn a_kill_during_a_move_is_settled_by_the_next_start() {
    for point in ["after-intent", "after-rename", "after-rename:2", "after-rename:3", "after-sync", "after-record"] {
        let dir = left(async |rig| signed_off(rig, 1).await).await;
        die(dir.path(), "move", &format!("server.{point}"));
        let rig = Rig::reopen(dir.path()).await;
        for id in BOOKINGS {
            let info = rig.info(id).await;
            let path = info.timesheet.unwrap().path;
            assert_eq!((info.state, path), (ServerState::Archived, format!("archived/2026-11/uploads/{id}/a.pdf")));
            let content = rig.get(&format!("/v1/bookings/{id}/timesheet")).await;
            assert_eq!(content.bytes().await.unwrap(), id, "{point}");
        }
        let again = rig.move_to_archived(&BOOKINGS).await;
        assert!(again.iter().all(|answer| answer.outcome == AnswerOutcome::Already), "{point}: {again:?}");
        assert_eq!(rig.files().len(), 3, "{point}");
    }
}

#[tokio::test]
async fn a_kill_during_a_purge_is_settled_by_the_next_start() {
    for point in ["after-intent", "after-rename:2", "after-sync", "after-record"] {
        let dir = left(async |rig| {
            signed_off(rig, 2).await;
            rig.move_to_archived(&BOOKINGS).await;
        })
        .await;
        die(dir.path(), "purge", &format!("server.{point}"));
        let rig = Rig::reopen(dir.path()).await;
        assert!(rig.files().is_empty(), "{point}");
        for id in BOOKINGS {
            assert_eq!(rig.info(id).await.state, ServerState::Purged, "{point}");
        }
        let again = rig.run_purge("p-1", &BOOKINGS).await;
        assert!(again.iter().all(|answer| answer.outcome == AnswerOutcome::Already), "{point}: {again:?}");
    }
}

#[tokio::test]
async fn a_kill_while_a_file_is_put_back_loses_neither_it_nor_what_was_there() {
    const PATH: &str = "archived/2026-11/uploads/B-0/a.pdf";
    for point in ["after-receive", "after-intent", "damaged-aside", "after-rename", "after-sync", "after-record"] {
        let dir = left(async |rig| {
            signed_off(rig, 1).await;
            rig.move_to_archived(&BOOKINGS).await;
            std::fs::write(rig.file(PATH), "B-x").unwrap();
        })
        .await;
        die(dir.path(), "put-back", &format!("server.{point}"));
        let rig = Rig::reopen(dir.path()).await;
        let damaged = || rig.files().iter().filter(|name| name.contains("B-0/")).cloned().collect::<Vec<_>>();
        if point == "after-receive" {
            assert_eq!(damaged(), [PATH], "{point}");
        }
        let again = rig.request(Method::PUT, "/v1/bookings/B-0/archived").body("B-0").send().await.unwrap();
        let again: Answer = again.json().await.unwrap();
        let expected = if point == "after-receive" { AnswerOutcome::Done } else { AnswerOutcome::Already };
        assert_eq!(again.outcome, expected, "{point}: {again:?}");
        assert_eq!(damaged(), [PATH.to_owned(), format!("{PATH}.damaged")], "{point}");
        assert_eq!(std::fs::read_to_string(rig.file(&format!("{PATH}.damaged"))).unwrap(), "B-x", "{point}");
        assert_eq!(rig.get("/v1/bookings/B-0/timesheet").await.text().await.unwrap(), "B-0", "{point}");
        assert!(rig.info("B-0").await.restored.is_some(), "{point}");
    }
}

#[tokio::test]
async fn a_kill_during_an_import_is_made_up_for_by_the_next() {
    for point in ["after-copy", "after-intent", "after-rename:2", "after-sync", "after-record"] {
        let dir = left(async |_| ()).await;
        let scans = dir.path().join("scans");
        std::fs::create_dir(&scans).unwrap();
        for name in BOOKINGS {
            std::fs::write(scans.join(name), name).unwrap();
        }
        die(dir.path(), "import", &format!("server.{point}"));
        let rig = Rig::reopen(dir.path()).await;
        let report = import_folder(rig.documents(), &scans, |_| {}).await.unwrap();
        assert_eq!((report.imported + report.already, report.skipped), (3, 0), "{point}: {report:?}");
        assert_eq!(rig.files(), BOOKINGS.map(|name| format!("imported/scans/{name}")), "{point}");
        assert_eq!(rig.waiting("").await.waiting, 3, "{point}");
    }
}

#[tokio::test]
async fn a_move_that_may_be_undone_by_a_power_cut_is_not_told_as_done() {
    let dir = left(async |rig| signed_off(rig, 1).await).await;
    fail(dir.path(), "unsure", "files.syncfs:1=EIO");
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_is_told_and_leaves_nothing() {
    for (deed, fault) in [("full", "ENOSPC"), ("read-only", "EROFS"), ("failing", "EIO")] {
        let dir = left(async |rig| drop(rig.post("/v1/bookings", &serde_json::json!({"id": "B-0"})).await)).await;
        fail(dir.path(), deed, &format!("server.write:2={fault}"));
    }
}

/// EXDEV for each booking's own rename, not for that of its copy.
const OTHER_DISK: &str = "files.rename:1=18,files.rename:3=18,files.rename:5=18";

#[tokio::test]
async fn a_kill_while_files_are_taken_to_another_disk_loses_and_doubles_none() {
    for point in ["across-copied", "across-renamed", "across-synced", "after-rename"] {
        for passing in [1, 2] {
            let dir = left(async |rig| signed_off(rig, 1).await).await;
            die_with(dir.path(), "move", &format!("server.{point}:{passing}"), OTHER_DISK);
            // Whoever comes next finds the other disk as well.
            fail(dir.path(), "reopen", OTHER_DISK);
            let rig = Rig::reopen(dir.path()).await;
            assert_eq!(rig.files(), BOOKINGS.map(|id| format!("archived/2026-11/uploads/{id}/a.pdf")), "{point}");
            for id in BOOKINGS {
                assert_eq!(rig.info(id).await.state, ServerState::Archived, "{point}");
                assert_eq!(rig.get(&format!("/v1/bookings/{id}/timesheet")).await.text().await.unwrap(), id, "{point}");
            }
        }
    }
}

#[tokio::test]
async fn r5_a_file_that_was_changed_after_a_kill_is_neither_moved_nor_deleted_by_the_next_start() {
    let files = |place: &str| BOOKINGS.map(|id| format!("{place}uploads/{id}/a.pdf"));
    for (deed, proofs, place, state) in
        [("move", 1, "", ServerState::BackedUp), ("purge", 2, "archived/2026-11/", ServerState::Archived)]
    {
        let dir = left(async |rig| {
            signed_off(rig, proofs).await;
            if deed == "purge" {
                drop(rig.move_to_archived(&BOOKINGS).await);
            }
        })
        .await;
        die(dir.path(), deed, "server.after-intent");
        for file in files(place) {
            // As long as before, so that only its bytes tell.
            std::fs::write(dir.path().join("documents").join(file), "X-0").unwrap();
        }
        let rig = Rig::reopen(dir.path()).await;
        assert_eq!(rig.files(), files(place), "{deed}");
        for id in BOOKINGS {
            assert_eq!(rig.info(id).await.state, state, "{deed}");
        }
        assert_eq!(rig.documents().reconciled().not_done.len(), 3, "{deed}");
    }
}

/// An import that lives is not taken for one that died.
#[tokio::test]
async fn a_server_that_starts_leaves_a_live_import_alone() {
    let dir = left(async |_| ()).await;
    let settings = Settings { listen: "127.0.0.1:0".parse().unwrap(), ..Rig::settings_of(dir.path()) };
    let clock = strongroom_service::Clock::system();
    let importing = strongroom_server::Documents::open(settings.clone(), clock.clone()).await.unwrap();
    let scans = dir.path().join("scans");
    std::fs::create_dir(&scans).unwrap();
    for number in 0..600 {
        std::fs::write(scans.join(number.to_string()), number.to_string()).unwrap();
    }
    let (imported, started) = tokio::join!(import_folder(&importing, &scans, |_| {}), async {
        for _ in 0..5 {
            Server::start(settings.clone(), clock.clone()).await.unwrap().stop().await;
        }
    });
    let () = started;
    let report = imported.unwrap();
    assert_eq!((report.imported, report.skipped), (600, 0), "{report:?}");
}
