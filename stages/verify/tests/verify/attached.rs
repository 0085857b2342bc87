//! How the drive is used is in the log, for whoever tells people and cannot see the drive.

use strongroom_model::event::{DiskOf, DriveAttached};
use strongroom_model::{Event, SubjectKind};

use crate::rig::Rig;

/// What was recorded of drives: of which, by its label, and how it was used; oldest first.
async fn recorded(rig: &Rig) -> Vec<(String, DriveAttached)> {
    let heads = rig.log.newest(SubjectKind::Drive, 9).await.unwrap();
    let mut all = Vec::new();
    for head in heads {
        let history = rig.log.stream(&head.stream).await.unwrap();
        let Event::DriveInitialised(set_up) = &history[0].event else { panic!("its label comes first: {history:?}") };
        let attached = history.iter().filter_map(|event| match event.event {
            Event::DriveAttached(attached) => Some((event.position, (set_up.label.clone(), attached))),
            _ => None,
        });
        all.extend(attached);
    }
    all.sort_by_key(|(position, _)| *position);
    all.into_iter().map(|(_, attached)| attached).collect()
}

fn on(disk: DiskOf, cached_is_proven: bool) -> DriveAttached {
    DriveAttached { disk, cached_is_proven }
}

#[tokio::test]
async fn a_drive_of_its_own_that_is_read_from_the_device_costs_no_event() {
    let rig = Rig::new().await;
    // Where the drive can only be read through a cache, it is not even begun with.
    let _ = rig.verifying(true).check_drive().await;
    assert_eq!(rig.log.head().await.unwrap().size, 0);
}

#[tokio::test]
async fn what_a_person_should_know_of_the_drive_is_recorded_once_and_so_is_its_end() {
    let mut rig = Rig::new().await;
    rig.others = vec![(DiskOf::Log, rig.folder.path().join("data/not/there/yet"))];
    for _ in 0..2 {
        rig.verify().check_drive().await.unwrap();
        assert_eq!(recorded(&rig).await, [("drive".to_owned(), on(DiskOf::Log, true))]);
    }
    rig.others.clear();
    rig.verify().check_drive().await.unwrap();
    let expected = [("drive".to_owned(), on(DiskOf::Log, true)), ("drive".to_owned(), on(DiskOf::Own, true))];
    assert_eq!(recorded(&rig).await, expected);
}

#[tokio::test]
async fn a_drive_that_is_swapped_is_recorded_so_that_the_newest_record_is_of_the_one_that_is_there() {
    let rig = Rig::new().await;
    rig.set_up("other");
    let verify = rig.verify();
    let swap = |with: &str, to: &str| {
        std::fs::rename(rig.root(), rig.folder.path().join(to)).unwrap();
        std::fs::rename(rig.folder.path().join(with), rig.root()).unwrap();
    };
    verify.check_drive().await.unwrap();
    swap("other", "first");
    verify.check_drive().await.unwrap();
    swap("first", "other");
    verify.check_drive().await.unwrap();
    let labels: Vec<_> = recorded(&rig).await.into_iter().map(|(label, _)| label).collect();
    assert_eq!(labels, ["drive", "other", "drive"]);
}
