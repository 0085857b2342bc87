//! What is told of alarms, and how often.

use strongroom_model::{AlarmKind, Event, SubjectKind};

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
        let key = strongroom_model::event::AlarmKey::new(kind, "b1");
        let history = site.log.stream(&strongroom_model::StreamName::alarm(&key)).await.unwrap();
        assert!(matches!(history.last().unwrap().event, Event::AlarmNotified(_)), "{history:?}");
    }
    assert_eq!(site.log.newest(SubjectKind::Alarm, 10).await.unwrap().len(), 3);
    insta::assert_snapshot!("three_alarms", decoded(message));
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
