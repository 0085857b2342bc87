//! What is in the way of all files: nothing is recorded on any, and nothing is written.

use std::net::TcpListener;

use strongroom_bus::{BatchOutcome, Stage as _, Task};
use strongroom_drive::Drive;
use strongroom_fetch::{Fetch, FetchSettings};
use strongroom_model::booking::Booking;
use strongroom_model::event::AlarmKind;
use strongroom_model::{Algorithm, ByteCount, Digest, DriveId};
use strongroom_source::Source;
use strongroom_source::testing::{Reply, settings};

use crate::documents::Documents;
use crate::good::content;
use crate::rig::Rig;

async fn tasks(rig: &Rig, count: u8) -> Vec<Task<Booking>> {
    let mut tasks = Vec::new();
    for n in 0..count {
        tasks.push(rig.enumerated(&format!("B-{n}"), &content(n, 1000)).await);
    }
    tasks
}

fn documents(count: u8) -> Documents {
    (0..count).fold(Documents::default(), |all, n| all.with(&format!("B-{n}"), &content(n, 1000)))
}

/// Every task comes again, and no attempt was burned.
async fn obstructed(rig: &Rig, settled: BatchOutcome, kind: AlarmKind, tasks: usize) {
    let obstacle = settled.obstacle.clone().unwrap();
    assert_eq!(obstacle.kind, kind, "{obstacle:?}");
    assert!(!obstacle.next_step.is_empty());
    assert_eq!(settled.unsettled().len(), tasks);
    assert_eq!(rig.state("B-0").await.failures, 0);
}

async fn before_a_byte(rig: &Rig, stage: &Fetch, kind: AlarmKind) {
    let named = stage.ready().await.unwrap_err();
    assert_eq!(named.kind, kind, "{named:?}");
    let settled = rig.handle(stage, tasks(rig, 3).await).await;
    obstructed(rig, settled, kind, 3).await;
}

#[tokio::test]
async fn r6_a_missing_drive_is_found_before_a_byte_is_asked_for_and_its_return_as_well() {
    let rig = Rig::new().await;
    let (server, _) = documents(3).serve();
    let stage = rig.stage(server.source());
    let away = rig.root().with_extension("away");
    std::fs::rename(rig.root(), &away).unwrap();
    before_a_byte(&rig, &stage, AlarmKind::DriveMissing).await;
    assert_eq!(server.requests(), []);
    std::fs::rename(&away, rig.root()).unwrap();
    stage.ready().await.unwrap();
    rig.handle(&stage, vec![rig.task("B-0").await]).await;
    rig.fetched("B-0").await;
}

#[tokio::test]
async fn r6_nothing_is_written_into_the_empty_folder_where_a_drive_should_be() {
    let rig = Rig::new().await;
    let (server, _) = documents(3).serve();
    std::fs::rename(rig.root(), rig.root().with_extension("away")).unwrap();
    std::fs::create_dir(rig.root()).unwrap();
    before_a_byte(&rig, &rig.stage(server.source()), AlarmKind::DriveMissing).await;
    assert_eq!(std::fs::read_dir(rig.root()).unwrap().count(), 0);
    assert_eq!(server.requests(), []);
}

#[tokio::test]
async fn r6_another_drive_and_a_full_one_are_found_before_the_first_write() {
    for kind in [AlarmKind::DriveUnknown, AlarmKind::DriveFull] {
        let rig = Rig::new().await;
        let (server, _) = documents(3).serve();
        let settings = match kind {
            AlarmKind::DriveUnknown => FetchSettings { expect: Some(DriveId::random()), ..rig.settings() },
            _ => FetchSettings { reserve: ByteCount(1 << 60), ..rig.settings() },
        };
        before_a_byte(&rig, &Fetch::new(settings, server.source(), rig.clock.clone()), kind).await;
        assert_eq!(server.requests(), []);
        assert!(!rig.root().join("acme").exists());
    }
}

#[tokio::test]
async fn a_drive_that_is_swapped_for_another_good_one_is_written_to() {
    let rig = Rig::new().await;
    let (server, _) = documents(2).serve();
    let stage = rig.stage(server.source());
    let mut tasks = tasks(&rig, 2).await;
    rig.handle(&stage, vec![tasks.remove(0)]).await;
    std::fs::rename(rig.root(), rig.root().with_extension("away")).unwrap();
    std::fs::create_dir(rig.root()).unwrap();
    let second = Drive::init(&rig.root(), "second", rig.clock.now()).unwrap();
    rig.handle(&stage, tasks).await;
    assert_eq!(rig.fetched("B-1").await.drive, second.id);
    assert_ne!(rig.fetched("B-0").await.drive, second.id);
}

#[tokio::test]
async fn what_fits_comes_though_another_file_does_not_fit() {
    let rig = Rig::new().await;
    let (server, _) = documents(2).serve();
    let mut tasks = tasks(&rig, 2).await;
    let large = Digest::of(Algorithm::Sha256, b"of a petabyte");
    tasks.insert(0, rig.enumerated_as("large", "large.pdf", 1 << 50, large).await);
    let settled = rig.handle(&rig.stage(server.source()), tasks).await;
    assert_eq!(settled.obstacle.as_ref().unwrap().kind, AlarmKind::DriveFull);
    assert_eq!(settled.unsettled().len(), 1);
    rig.fetched("B-0").await;
    rig.fetched("B-1").await;
    assert!(!server.requests().iter().any(|request| request.contains("large")), "it is not even asked for");
    assert_eq!(rig.temporaries(), [] as [std::path::PathBuf; 0]);
}

#[tokio::test]
async fn a_server_that_is_away_pauses_all_and_burns_no_attempt() {
    let rig = Rig::new().await;
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let stage = rig.stage(Source::new(&settings(&format!("http://{address}"))).unwrap());
    let settled = rig.handle(&stage, tasks(&rig, 20).await).await;
    obstructed(&rig, settled, AlarmKind::ServerUnreachable, 20).await;
    assert_eq!(
        stage.ready().await.unwrap_err().kind,
        AlarmKind::ServerUnreachable,
        "it is asked before the next batch"
    );
}

#[tokio::test]
async fn a_server_that_has_gone_mad_uses_up_no_attempts() {
    for (reply, kind) in [
        (Reply::proper("503 Service Unavailable", ""), AlarmKind::ServerUnreachable),
        (Reply::proper("500 Internal Server Error", ""), AlarmKind::ServerUnreachable),
        (Reply::proper("403 Forbidden", ""), AlarmKind::ServerRefuses),
        (Reply::proper("404 Not Found", "<h1>Welcome to nginx</h1>"), AlarmKind::ServerConfused),
        (Reply::proper("302 Found\nLocation: https://login.example.org/", ""), AlarmKind::ServerConfused),
        (Reply::proper("200 OK\nContent-Type: text/html", "<h1>Log in</h1>"), AlarmKind::ServerConfused),
    ] {
        let rig = Rig::new().await;
        let (server, faults) = Documents::default().serve();
        for id in ["B-0", "B-1", "B-2", "waiting"] {
            let reply = reply.clone();
            faults.set(id, move |_| reply.clone());
        }
        let settled = rig.handle(&rig.stage(server.source()), tasks(&rig, 3).await).await;
        obstructed(&rig, settled, kind, 3).await;
    }
}

#[tokio::test]
async fn once_the_server_is_known_to_be_away_the_rest_of_a_batch_is_not_tried() {
    let rig = Rig::new().await;
    let (server, faults) = Documents::default().serve();
    for n in 0..40 {
        faults.set(&format!("B-{n}"), |_| Reply::proper("503 Service Unavailable", ""));
    }
    faults.set("waiting", |_| Reply::proper("503 Service Unavailable\nRetry-After: 600", ""));
    let stage = rig.stage(server.source());
    let settled = rig.handle(&stage, tasks(&rig, 40).await).await;
    obstructed(&rig, settled, AlarmKind::ServerUnreachable, 40).await;
    let asked = server.requests().len();
    assert!(asked <= 2 * rig.settings().concurrency, "{asked}");
    // It asked to be left alone: nobody asks again before that time.
    stage.ready().await.unwrap_err();
    assert_eq!(server.requests().len(), asked);
}
