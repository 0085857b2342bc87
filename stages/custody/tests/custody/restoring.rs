//! Files are given back as they were proven: by booking, month or all, to a folder or to the server.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use strongroom_model::event::{Act, RestoreTo, Retried, Selection};
use strongroom_model::{Event, StageName};
use strongroom_source::testing::{Reply, ScriptedServer};
use strongroom_stage_rig::sample;

use crate::rig::{Mounted, Rig, says, sha256};

fn all() -> Selection {
    Selection::All
}

fn booking(id: &str) -> Selection {
    Selection::Bookings { ids: vec![id.parse().unwrap()] }
}

/// A drive with two months, and a folder to restore to.
async fn rig() -> (Rig, Mounted, Vec<String>, PathBuf) {
    let rig = Rig::new().await;
    let blue = rig.mount("blue").await;
    let files: [(&str, &str, &str, &[u8]); 3] = [
        ("B-1", "2026-10", "week.pdf", b"october"),
        ("B-2", "2026-11", "week.pdf", b"november"),
        ("B-3", "2026-11", "Stundenzettel M\u{e4}rz.pdf", b"named"),
    ];
    let paths = rig.proven_as(&blue, &files).await;
    let folder = rig.folder.path().join("restored");
    fs::create_dir(&folder).unwrap();
    (rig, blue, paths, folder)
}

fn to(folder: &std::path::Path) -> RestoreTo {
    RestoreTo::Folder { path: folder.to_str().unwrap().to_owned() }
}

#[tokio::test]
async fn a_booking_a_month_and_all_are_restored_under_the_names_that_the_server_gave() {
    let (rig, blue, paths, folder) = rig().await;
    let tally = rig.restore(&blue, to(&folder), booking("B-1")).await;
    assert_eq!((tally.written, tally.damaged, tally.faults), (1, 0, 0), "{tally:?}");
    assert_eq!(fs::read(folder.join("B-1/week.pdf")).unwrap(), b"october");
    assert!(!folder.join("B-2").exists());
    let month = Selection::Month { month: "2026-11".parse().unwrap() };
    assert_eq!(rig.restore(&blue, to(&folder), month).await.written, 2);
    assert_eq!(fs::read(folder.join("B-2/week.pdf")).unwrap(), b"november");
    assert_eq!(fs::read(folder.join("B-3/Stundenzettel M\u{e4}rz.pdf")).unwrap(), b"named");
    let tally = rig.restore(&blue, to(&folder), all()).await;
    assert_eq!((tally.written, tally.skipped), (0, 3), "they are there: {tally:?}");
    let story = rig.story(&blue, "B-1", b"october").await;
    let Some(Event::CopyRestored(data)) = story.first().map(|one| &one.event) else { panic!("{story:?}") };
    assert_eq!((&data.path, &data.sha256), (&paths[0], &sha256(b"october")));
    assert_eq!(data.to, folder.join("B-1/week.pdf").display().to_string());
}

#[tokio::test]
async fn a_restored_file_has_its_time_and_one_of_another_content_keeps_its_name() {
    let (rig, blue, paths, folder) = rig().await;
    let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    fs::File::options().append(true).open(blue.file(&paths[0])).unwrap().set_modified(written).unwrap();
    fs::create_dir(folder.join("B-1")).unwrap();
    fs::write(folder.join("B-1/week.pdf"), b"another").unwrap();
    let tally = rig.restore(&blue, to(&folder), booking("B-1")).await;
    assert_eq!(tally.written, 1, "{tally:?}");
    assert_eq!(fs::read(folder.join("B-1/week.pdf")).unwrap(), b"another");
    let numbered = folder.join("B-1/week (2).pdf");
    assert_eq!(fs::read(&numbered).unwrap(), b"october");
    assert_eq!(fs::metadata(&numbered).unwrap().modified().unwrap(), written);
    let tally = rig.restore(&blue, to(&folder), booking("B-1")).await;
    assert_eq!((tally.written, tally.skipped), (0, 1), "and it is found there: {tally:?}");
}

#[tokio::test]
async fn r5_a_damaged_copy_is_never_restored_and_the_others_are() {
    let (rig, blue, paths, folder) = rig().await;
    blue.rot(&paths[0]);
    let tally = rig.restore(&blue, to(&folder), all()).await;
    assert_eq!((tally.written, tally.damaged), (2, 1), "{tally:?}");
    assert!(says(&tally, &[&paths[0], "is damaged, and was not restored"]), "{tally:?}");
    assert!(!folder.join("B-1/week.pdf").exists());
    assert!(rig.copy_state(&blue, "B-1", b"october").await.damage.is_some() && rig.is_alarmed(&blue).await);
}

#[tokio::test]
async fn r6_nothing_is_restored_onto_a_drive() {
    let (rig, blue, _, _) = rig().await;
    let red = rig.mount("red").await;
    let folder = red.file("restored");
    fs::create_dir(&folder).unwrap();
    let state = rig.attempt(Act::Restore { drive: blue.named(), to: to(&folder), which: all() }).await;
    assert!(state.is_open(), "{state:?}");
    assert!(state.failure.unwrap().message.contains("is on a backup drive"));
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

#[tokio::test]
async fn a_drill_restores_to_a_scratch_folder_and_leaves_nothing_but_its_evidence() {
    let (rig, blue, _, _) = rig().await;
    let before: Vec<_> = fs::read_dir(rig.folder.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
    let tally = rig.restore(&blue, RestoreTo::Scratch, all()).await;
    assert_eq!((tally.written, tally.damaged), (3, 0), "{tally:?}");
    let after: Vec<_> = fs::read_dir(rig.folder.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(after, before);
    let story = rig.story(&blue, "B-2", b"november").await;
    assert!(matches!(story.last().unwrap().event, Event::CopyRestored(_)), "{story:?}");
}

#[tokio::test]
async fn only_the_content_that_was_proven_last_is_restored() {
    let rig = Rig::new().await;
    let blue = rig.mount("blue").await;
    rig.proven(&blue, &[("B-1", b"first")]).await;
    rig.append("B-1", sample::archived("archived/2026-11/B-1.pdf")).await;
    rig.append("B-1", Event::TimesheetRetried(Retried { stage: StageName::Enumerate, reason: None })).await;
    rig.proven(&blue, &[("B-1", b"corrected")]).await;
    let folder = rig.folder.path().join("restored");
    fs::create_dir(&folder).unwrap();
    assert_eq!(rig.restore(&blue, to(&folder), all()).await.written, 1);
    let files: Vec<_> = fs::read_dir(folder.join("B-1")).unwrap().map(|one| one.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(fs::read(&files[0]).unwrap(), b"corrected");
}

/// A server that takes what it lacks: B-2 it has, B-3 it refuses.
fn server() -> ScriptedServer {
    ScriptedServer::new(|request| {
        let id = request.target.trim_start_matches("/v1/bookings/").split('/').next().unwrap();
        match id {
            "B-2" => Reply::json(r#"{"id":"B-2","outcome":"already"}"#),
            "B-3" => Reply::json(r#"{"id":"B-3","outcome":"refused","reason":"it was never archived"}"#),
            id => Reply::json(&format!(r#"{{"id":"{id}","outcome":"done"}}"#)),
        }
    })
}

#[tokio::test]
async fn the_server_gets_the_bytes_with_their_drive_and_its_answer_is_recorded() {
    let (mut rig, blue, _, _) = rig().await;
    let server = server();
    rig.source = Some(server.source());
    let tally = rig.restore(&blue, RestoreTo::Server, all()).await;
    assert_eq!((tally.written, tally.skipped, tally.faults), (1, 1, 1), "{tally:?}");
    assert!(says(&tally, &["was not restored: it was never archived"]), "{tally:?}");
    let first = server.requests().into_iter().find(|one| one.target.contains("/B-1/")).unwrap();
    assert_eq!(
        (first.target, first.body),
        (format!("/v1/bookings/B-1/archived?drive={}", blue.id), b"october".to_vec())
    );
    let story = rig.story(&blue, "B-1", b"october").await;
    let Some(Event::CopyRestored(data)) = story.first().map(|one| &one.event) else { panic!("{story:?}") };
    assert_eq!(data.to, "the document server's archive");
    assert!(rig.story(&blue, "B-3", b"named").await.is_empty(), "what was refused is not recorded as restored");
}

#[tokio::test]
async fn r5_a_damaged_copy_never_reaches_the_server_as_a_whole_file() {
    let (mut rig, blue, paths, _) = rig().await;
    let server = server();
    rig.source = Some(server.source());
    blue.rot(&paths[0]);
    let tally = rig.restore(&blue, RestoreTo::Server, booking("B-1")).await;
    assert_eq!((tally.written, tally.damaged), (0, 1), "{tally:?}");
    let story = rig.story(&blue, "B-1", b"october").await;
    assert!(matches!(&story[..], [one] if matches!(one.event, Event::CopyDamaged(_))), "{story:?}");
    assert!(rig.is_alarmed(&blue).await);
}

#[tokio::test]
async fn without_access_to_the_server_the_failure_says_what_to_set() {
    let (rig, blue, ..) = rig().await;
    let act = Act::Restore { drive: blue.named(), to: RestoreTo::Server, which: all() };
    let failure = rig.attempt(act).await.failure.unwrap();
    assert!(failure.message.contains("set source.url and its token"), "{}", failure.message);
}
