use strongroom_drive::Drive;
use strongroom_model::{Event, StreamName};

use super::*;
use crate::run::testing::{Site, booking, enumerated};
use crate::site;
use crate::verb::log::adopt;

/// A site with a drive, whose log has some events and a summary.
async fn begun() -> (Site, Config) {
    let site = Site::new().await;
    let drive = site.folder.path().join("drive");
    std::fs::create_dir(&drive).unwrap();
    Drive::init(&drive, "blue 1", site.clock.now()).unwrap();
    let config = site.config(
        "site = \"main\"\ndata_dir = \".\"\n[drive]\nroot = \"drive\"\nreserve = \"0B\"\n[log]\npath = \"log.sqlite\"",
    );
    site.happens(&booking("B-1"), enumerated()).await;
    (site, config)
}

async fn compose(site: &Site) {
    strongroom_notify::compose(&site.log, "a night", &site.clock, &site.actor()).await.unwrap();
}

/// The file as it is now, to be put back later.
fn copy(site: &Site, name: &str) {
    // Nothing is written at this moment, so the files are whole together.
    for suffix in ["", "-wal"] {
        let [from, to] = ["log.sqlite", name].map(|name| site.folder.path().join(format!("{name}{suffix}")));
        if from.exists() {
            std::fs::copy(from, to).unwrap();
        }
    }
}

fn restore(site: &Site, name: &str) {
    for suffix in ["", "-wal", "-shm"] {
        let (from, to) = [name, "log.sqlite"].map(|name| site.folder.path().join(format!("{name}{suffix}"))).into();
        let _ = std::fs::remove_file(&to);
        if from.exists() {
            std::fs::copy(from, to).unwrap();
        }
    }
}

async fn keep(config: &Config, log: &EventLog) {
    let watch = RewindWatch::start(config, log, Mails::Elsewhere);
    watch.close().await;
}

#[tokio::test]
async fn r4_a_log_that_was_restored_from_an_older_copy_is_refused_until_a_person_decides() {
    let (rig, config) = begun().await;
    compose(&rig).await;
    copy(&rig, "older");
    rig.happens(&booking("B-2"), enumerated()).await;
    compose(&rig).await;
    compose(&rig).await;
    keep(&config, &rig.log).await;
    for place in places(&config) {
        assert_eq!(
            place.read(&"main".parse().unwrap()).unwrap().checkpoint(),
            &now(&rig.log).await.unwrap(),
            "{place}"
        );
    }
    assert_eq!(places(&config).len(), 2, "the data folder and the drive");
    rig.log.close().await;
    drop(site::log(&config).await.expect("it is as it was"));

    restore(&rig, "older");
    // One of the two places is enough.
    std::fs::remove_file(rig.folder.path().join("checkpoint.main")).unwrap();
    for _ in 0..2 {
        let refused = site::log(&config).await.expect_err("it is shorter").sentence();
        assert!(refused.contains("but the drive at") && refused.contains("remembers 5:"), "{refused}");
    }
    let log = site::log_to_read(&config).await.unwrap();
    let raised = strongroom_audit::raised_alarms(&log).await.unwrap();
    assert_eq!(raised.iter().map(|alarm| alarm.kind).collect::<Vec<_>>(), [strongroom_model::AlarmKind::LogRewound]);
    assert_eq!(log.head().await.unwrap().size, 3, "nothing but the alarm is recorded");
    log.close().await;

    let args = adopt::Args { reason: "the disk broke on Monday".to_owned() };
    adopt::run(&args, &config, &mut crate::out::Out::stdout()).await.unwrap();
    let log = site::log(&config).await.expect("a person has decided");
    assert!(strongroom_audit::raised_alarms(&log).await.unwrap().is_empty());
    let next = strongroom_notify::compose(&log, "a night", &rig.clock, &rig.actor()).await.unwrap().unwrap();
    assert_eq!(next.stream, StreamName::summary(4), "no number is used twice");
    let events = log.read(strongroom_model::Position(0), 99).await.unwrap();
    let events: Vec<_> = events.iter().map(|stored| stored.decode().unwrap()).collect();
    let sent = events.iter().filter(|event| matches!(event.event, Event::SummarySent(_))).count();
    assert_eq!(sent, 3, "and what was mailed is not mailed again");
    let decided = events.iter().find(|event| matches!(event.event, Event::AlarmCleared(_))).unwrap();
    assert!(decided.actor.as_str().starts_with("operator@"));
    assert!(matches!(&decided.event, Event::AlarmCleared(over) if over.message.contains("the disk broke on Monday")));
    assert_eq!(log.verify().await.unwrap().damage, None);
}

#[tokio::test]
async fn r4_another_log_of_the_same_length_or_longer_is_refused_too() {
    let (rig, config) = begun().await;
    copy(&rig, "older");
    rig.happens(&booking("B-2"), enumerated()).await;
    keep(&config, &rig.log).await;
    rig.log.close().await;
    restore(&rig, "older");
    let log = site::unchecked_log(&config).await.unwrap();
    for n in 3..6 {
        crate::run::testing::happens(&log, &rig.clock, &booking(&format!("B-{n}")), enumerated()).await;
    }
    log.close().await;
    let refused = site::log(&config).await.expect_err("it is another one").sentence();
    assert!(refused.contains("the log's first 2 events are others than they were"), "{refused}");
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_read_is_as_good_as_none() {
    let (rig, config) = begun().await;
    keep(&config, &rig.log).await;
    for (bad, at) in [("", "checkpoint.main"), ("rubbish", "drive/.strongroom/checkpoint.main")] {
        std::fs::write(rig.folder.path().join(at), bad).unwrap();
    }
    assert!(check(&config, &rig.log).await.unwrap().is_none());
    rig.happens(&booking("B-2"), enumerated()).await;
    keep(&config, &rig.log).await;
    for place in places(&config) {
        assert_eq!(place.read(&"main".parse().unwrap()).unwrap().checkpoint().head.size, 2, "{place}");
    }
    // A link on the drive leads nowhere.
    let link = rig.folder.path().join("drive/.strongroom/checkpoint.main");
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(rig.folder.path().join("checkpoint.main"), &link).unwrap();
    assert!(places(&config)[1].read(&"main".parse().unwrap()).is_none());
}
