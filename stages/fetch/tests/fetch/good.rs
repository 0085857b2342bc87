//! Files that come.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use strongroom_bus::{Stage as _, TaskEnd};
use strongroom_drive::{Drive, DriveSettings};
use strongroom_model::{Algorithm, Digest, StageName};
use strongroom_source::testing::{Reply, Then};

use crate::documents::{Documents, ranged};
use crate::rig::Rig;

/// Bytes that no two files share.
pub(crate) fn content(seed: u8, len: usize) -> Vec<u8> {
    (0..len).map(|n| (n as u8).wrapping_mul(31).wrapping_add((n >> 8) as u8).wrapping_add(seed)).collect()
}

#[tokio::test]
async fn a_batch_lands_with_the_digests_that_came_and_one_request_for_each_file() {
    let rig = Rig::new().await;
    let files =
        [("B-1", content(1, 8 << 10)), ("B-2", vec![]), ("B-3", content(3, 3 << 20)), ("B-4", content(4, 512 << 10))];
    let documents = files.iter().fold(Documents::default(), |all, (id, file)| all.with(id, file));
    let (server, _) = documents.serve();
    let mut tasks = Vec::new();
    for (id, file) in &files {
        tasks.push(rig.enumerated(id, file).await);
    }
    let stage = rig.stage(server.source());
    rig.settled(&stage, tasks).await;
    for (id, file) in &files {
        let fetched = rig.fetched(id).await;
        assert_eq!(rig.on_drive(id).await, *file);
        assert_eq!(fetched.sha256, Digest::of(Algorithm::Sha256, file));
        assert_eq!((fetched.size_bytes.0, fetched.resumed_from_bytes.0), (file.len() as u64, 0));
        assert_eq!(fetched.path, format!("acme/2026-11/data/{id}/{id}.pdf"));
        assert_eq!(fetched.month.to_string(), "2026-11");
    }
    assert_eq!(server.requests().len(), files.len());
    assert_eq!(stage.meter().bytes().0, files.iter().map(|(_, file)| file.len() as u64).sum::<u64>());
    assert_eq!(rig.temporaries(), [] as [std::path::PathBuf; 0]);
}

#[tokio::test]
async fn the_digest_in_the_servers_algorithm_is_recorded_beside_sha256() {
    let rig = Rig::new().await;
    let file = content(1, 1000);
    let (server, _) = Documents::default().with("B-1", &file).serve();
    let task = rig.enumerated_as("B-1", "t.pdf", 1000, Digest::of(Algorithm::Md5, &file)).await;
    rig.handle(&rig.stage(server.source()), vec![task]).await;
    let fetched = rig.fetched("B-1").await;
    assert_eq!(fetched.in_flight, Digest::of(Algorithm::Md5, &file));
    assert_eq!(fetched.sha256, Digest::of(Algorithm::Sha256, &file));
}

#[tokio::test]
async fn a_wrong_digest_is_recorded_for_verify_to_judge() {
    let rig = Rig::new().await;
    for (id, len) in [("B-1", 1000), ("B-2", 1 << 20)] {
        let (right, wrong) = (content(1, len), content(2, len));
        let (server, _) = Documents::default().with(id, &wrong).serve();
        let task = rig.enumerated(id, &right).await;
        rig.handle(&rig.stage(server.source()), vec![task]).await;
        assert_eq!(rig.fetched(id).await.in_flight, Digest::of(Algorithm::Sha256, &wrong));
    }
}

#[tokio::test]
async fn a_hostile_name_stays_below_its_bookings_folder() {
    let rig = Rig::new().await;
    let names = [
        "../../../etc/passwd",
        "/etc/passwd",
        "a\u{0}b",
        "a\nb",
        "CON",
        "a.",
        "",
        "\u{202e}fdp",
        "<b>",
        &"ü".repeat(150),
    ];
    let mut documents = Documents::default();
    let mut tasks = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let (id, file) = (format!("B-{n}"), content(n as u8, 100 + n));
        documents = documents.with(&id, &file);
        tasks.push(rig.enumerated_as(&id, name, file.len() as u64, Digest::of(Algorithm::Sha256, &file)).await);
    }
    let (server, _) = documents.serve();
    rig.handle(&rig.stage(server.source()), tasks).await;
    for n in 0..names.len() {
        let id = format!("B-{n}");
        assert_eq!(rig.on_drive(&id).await, content(n as u8, 100 + n));
        let folder = format!("acme/2026-11/data/{id}/");
        let path = rig.fetched(&id).await.path;
        assert!(path.starts_with(&folder) && !path[folder.len()..].contains('/'), "{path}");
    }
}

#[tokio::test]
async fn r3_a_file_that_landed_before_we_stopped_is_found_and_not_written_again() {
    for len in [1000, 1 << 20] {
        let rig = Rig::new().await;
        let file = content(1, len);
        let (server, _) = Documents::default().with("B-1", &file).serve();
        let task = rig.enumerated("B-1", &file).await;
        // What a process leaves that is killed between the commit and the append.
        let drive = Drive::open(&rig.root(), &DriveSettings::default()).unwrap();
        let mut partial = drive.receive(&rig.place("B-1", &file)).unwrap();
        partial.write(&file).unwrap();
        let landed = drive.commit(vec![partial.finish().unwrap()]).remove(0).unwrap();
        let written = std::fs::metadata(rig.root().join(&landed.path)).unwrap().modified().unwrap();

        rig.handle(&rig.stage(server.source()), vec![task]).await;
        assert_eq!(rig.fetched("B-1").await.path, landed.path);
        assert_eq!(std::fs::metadata(rig.root().join(&landed.path)).unwrap().modified().unwrap(), written);
        assert_eq!(server.requests().len(), usize::from(len == 1000), "a large one is not even asked for");
        assert_eq!(rig.temporaries(), [] as [std::path::PathBuf; 0]);
    }
}

#[tokio::test]
async fn r3_a_duplicate_delivery_changes_nothing() {
    let rig = Rig::new().await;
    let file = content(1, 1000);
    let (server, _) = Documents::default().with("B-1", &file).serve();
    let task = rig.enumerated("B-1", &file).await;
    let stage = rig.stage(server.source());
    rig.handle(&stage, vec![task.clone()]).await;
    let size = rig.size().await;
    rig.settled(&stage, vec![task]).await;
    assert_eq!(rig.size().await, size);
    assert_eq!(rig.on_drive("B-1").await, file);
}

#[tokio::test]
async fn r3_a_file_that_another_worker_writes_is_left_to_it() {
    let rig = Rig::new().await;
    let file = content(1, 1000);
    let (server, _) = Documents::default().with("B-1", &file).serve();
    let task = rig.enumerated("B-1", &file).await;
    let stream = task.stream.clone();
    let other = Drive::open(&rig.root(), &DriveSettings::default()).unwrap();
    let held = other.receive(&rig.place("B-1", &file)).unwrap();
    let settled = rig.handle(&rig.stage(server.source()), vec![task]).await;
    assert!(settled.with(TaskEnd::NothingToDo).contains(&&stream), "{settled:?}");
    assert!(rig.state("B-1").await.failure.is_none(), "nothing is recorded");
    drop(held);
}

#[tokio::test]
async fn a_slow_file_keeps_no_finished_one_from_being_safe() {
    let rig = Rig::new().await;
    let (slow, quick, large) = (content(1, 1000), content(2, 1000), content(3, (64 << 20) + 1));
    let (release, released) = mpsc::channel::<()>();
    let (released, file) = (Mutex::new(released), slow.clone());
    let (server, _) = Documents::default()
        .with("B-2", &quick)
        .with("B-3", &large)
        .faulty("B-1", move |request| {
            // The slow file's answer waits until the others are in the log.
            let _ = released.lock().unwrap().recv();
            ranged(&file, request)
        })
        .serve();
    let tasks = vec![
        rig.enumerated("B-1", &slow).await,
        rig.enumerated("B-2", &quick).await,
        rig.enumerated("B-3", &large).await,
    ];
    let stage = rig.stage(server.source());
    let settle = rig.settle(StageName::Fetch, &tasks);
    let others = async {
        for id in ["B-2", "B-3"] {
            while rig.state(id).await.fetched.is_none() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        assert!(rig.state("B-1").await.fetched.is_none());
        release.send(()).unwrap();
    };
    let both = async { tokio::join!(stage.handle(tasks, &settle), others) };
    tokio::time::timeout(Duration::from_secs(120), both).await.expect("the quick ones wait for the slow one");
    assert_eq!(rig.on_drive("B-1").await, slow);
}

#[tokio::test]
async fn no_more_files_come_at_once_than_configured_over_all_batches() {
    let rig = Rig::new().await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut documents = Documents::default();
    let mut tasks = Vec::new();
    for n in 0..40 {
        let (id, file) = (format!("B-{n}"), content(n, 1000));
        tasks.push(rig.enumerated(&id, &file).await);
        let (now, most) = (now.clone(), most.clone());
        documents = documents.faulty(&id, move |request| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
            now.fetch_sub(1, Ordering::SeqCst);
            ranged(&file, request)
        });
    }
    let (server, _) = documents.serve();
    let stage = rig.stage(server.source());
    let second = tasks.split_off(20);
    let (one, other) = (rig.settle(StageName::Fetch, &tasks), rig.settle(StageName::Fetch, &second));
    tokio::join!(stage.handle(tasks, &one), stage.handle(second, &other));
    for n in 0..40 {
        rig.fetched(&format!("B-{n}")).await;
    }
    let most = most.load(Ordering::SeqCst);
    assert!((2..=rig.settings().concurrency).contains(&most), "{most}");
}

#[tokio::test]
async fn a_cut_transfer_goes_on_where_it_stopped() {
    for (len, cut) in [(100_000, 60_000), (2 << 20, 1_500_000)] {
        let rig = Rig::new().await;
        let file = content(1, len);
        let beginning = file[..cut].to_vec();
        let (server, faults) = Documents::default().with("B-1", &file).serve();
        faults.set("B-1", move |_| Reply::raw(&format!("200 OK\nContent-Length: {len}"), &beginning, Then::Close));
        let stage = rig.stage(server.source());
        rig.handle(&stage, vec![rig.enumerated("B-1", &file).await]).await;
        let failure = rig.state("B-1").await.failure.unwrap();
        assert_eq!(failure.kind, strongroom_model::FailureKind::CutShort);
        assert!(failure.retry_at.is_some());

        faults.clear("B-1");
        rig.handle(&stage, vec![rig.task("B-1").await]).await;
        assert_eq!(rig.on_drive("B-1").await, file);
        assert_eq!(rig.fetched("B-1").await.resumed_from_bytes.0, cut as u64);
        let last = server.requests().pop().unwrap();
        assert!(last.contains(&format!("range: bytes={cut}-")) && last.contains("if-range: \"sha256-"), "{last}");
        assert_eq!(rig.temporaries(), [] as [std::path::PathBuf; 0]);
    }
}

#[tokio::test]
async fn a_cut_transfer_begins_anew_where_the_server_will_not_go_on() {
    let rig = Rig::new().await;
    let file = content(1, 1 << 20);
    let (beginning, whole) = (content(9, 500_000), file.clone());
    let (server, faults) = Documents::default().serve();
    faults.set("B-1", move |_| Reply::raw(&format!("200 OK\nContent-Length: {}", 1 << 20), &beginning, Then::Close));
    let stage = rig.stage(server.source());
    rig.handle(&stage, vec![rig.enumerated("B-1", &file).await]).await;
    faults.set("B-1", move |_| Reply::proper("200 OK", &whole));
    rig.handle(&stage, vec![rig.task("B-1").await]).await;
    assert_eq!(rig.on_drive("B-1").await, file);
    assert_eq!(rig.fetched("B-1").await.resumed_from_bytes.0, 0);
}
