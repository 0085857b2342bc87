//! Mails about alarms.

use strongroom_model::event::AlarmKey;
use strongroom_model::{AlarmKind, Event, StreamName, SubjectKind};

use crate::site::Site;

#[tokio::test]
async fn an_alarm_is_told_at_once_and_its_end_too_each_once() {
    let site = Site::new().await;
    let notify = site.notify();
    site.raised(AlarmKind::DriveMissing, "no drive is mounted at /mnt/backup").await;
    site.deliver(&notify).await;
    site.deliver(&notify).await;
    assert_eq!(site.mails().len(), 1);
    site.cleared(AlarmKind::DriveMissing, "drive Blue-1 is mounted again").await;
    site.deliver(&notify).await;
    site.deliver(&notify).await;
    let mails = site.mails();
    assert_eq!(mails.len(), 2);
    let subjects: Vec<&str> =
        mails.values().flat_map(|mail| mail.lines()).filter_map(|line| line.strip_prefix("Subject: ")).collect();
    assert!(subjects.contains(&"The drive is missing (harbour)"), "{subjects:?}");
    assert!(subjects.contains(&"Over: the drive is missing (harbour)"), "{subjects:?}");
    for mail in mails.values() {
        let promises_another = decoded(mail).contains("Another mail comes when it is over");
        assert_eq!(promises_another, !mail.contains("Subject: Over: "), "{mail}");
    }
}

#[tokio::test]
async fn alarms_that_wait_together_share_a_mail_whose_subject_is_the_worst() {
    let site = Site::new().await;
    site.raised(AlarmKind::RunOverdue, "no run has started since 2026-11-20 22:00").await;
    site.raised(AlarmKind::DriveMissing, "no drive is mounted at /mnt/backup").await;
    site.raised(AlarmKind::ServerUnreachable, "connection refused by 192.0.2.1:8400").await;
    site.cleared(AlarmKind::ServerUnreachable, "the server answers again").await;
    site.deliver(&site.notify()).await;
    let mails = site.mails();
    assert_eq!(mails.len(), 1);
    let message = mails.values().next().unwrap();
    assert!(message.contains("Subject: The drive is missing, and 1 other alarm (harbour)"), "{message}");
    for kind in [AlarmKind::RunOverdue, AlarmKind::DriveMissing, AlarmKind::ServerUnreachable] {
        let history = site.log.stream(&StreamName::alarm(&AlarmKey::new(kind, "b1"))).await.unwrap();
        assert!(matches!(history.last().unwrap().event, Event::AlarmNotified(_)), "{history:?}");
    }
    assert_eq!(site.log.newest(SubjectKind::Alarm, 10).await.unwrap().len(), 3);
    insta::assert_snapshot!("three_alarms", decoded(message));
}

#[tokio::test]
async fn one_cause_that_raises_an_alarm_for_each_of_many_files_is_a_few_mails() {
    const LOST: usize = 60;
    let site = Site::new().await;
    let notify = site.notify();
    for number in 0..LOST {
        let message = format!("the copy of booking {number} is no longer good");
        site.raised_about(AlarmKind::CopyLost, &format!("B-{number}"), &message).await;
        site.deliver(&notify).await;
    }
    assert_eq!(site.mails().len(), 5);
    site.raised(AlarmKind::DriveMissing, "no drive is mounted at /mnt/backup").await;
    site.deliver(&notify).await;
    assert_eq!(site.mails().len(), 6, "another cause waits for nothing");
    let before: Vec<String> = site.mails().into_keys().collect();
    // The next process has sent no mails yet.
    site.deliver(&site.notify()).await;
    let mails = site.mails();
    assert_eq!(mails.len(), 7);
    for number in 0..LOST {
        let key = AlarmKey::new(AlarmKind::CopyLost, format!("B-{number}"));
        let history = site.log.stream(&StreamName::alarm(&key)).await.unwrap();
        let [_, told] = history.as_slice() else { panic!("{history:?}") };
        assert!(matches!(told.event, Event::AlarmNotified(_)), "each is reported once: {told:?}");
    }
    let (_, last) = mails.iter().find(|(name, _)| !before.contains(name)).unwrap();
    let last = decoded(last);
    assert!(last.contains("Subject: A proven copy is lost, and 54 other alarms (harbour)"), "{last}");
    assert!(last.contains("The copy of booking 24 is no longer good"), "{last}");
    assert!(!last.contains("The copy of booking 25 is no longer good"), "{last}");
    assert!(last.contains("And 35 more alarms: a proven copy is lost"), "{last}");
}

#[tokio::test]
async fn attempts_that_failed_do_not_count_as_mails() {
    let site = Site::new().await;
    let folder = site.mail_folder();
    std::fs::write(&folder, "a file stands where the folder should be").unwrap();
    let notify = site.notify();
    site.raised(AlarmKind::DriveMissing, "no drive is mounted at /mnt/backup").await;
    for _ in 0..8 {
        site.deliver(&notify).await;
        site.clock.advance(jiff::SignedDuration::from_mins(2));
    }
    std::fs::remove_file(&folder).unwrap();
    site.deliver(&notify).await;
    assert_eq!(site.mails().len(), 1, "it goes out as soon as it can");
}

/// The message without what differs between runs of the test, its parts decoded.
fn decoded(message: &str) -> String {
    let joined = message.replace("=\r\n", "").replace("\r\n", "\n");
    let mut bytes = Vec::new();
    let mut rest = joined.as_str();
    while let Some(at) = rest.find('=') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        match rest.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[at + 3..];
            }
            None => {
                bytes.push(b'=');
                rest = &rest[at + 1..];
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}
