//! What the stage records, and what a crash between its steps leaves.

use std::fs;

use strongroom_bus::{Fate, RetryPolicy, Stage, Task};
use strongroom_model::fold::fold;
use strongroom_model::{Event, FailureKind, StreamName};
use strongroom_notify::{Notice, Post, post::Folder};

use crate::site::Site;

#[tokio::test]
async fn a_summary_is_sent_once_and_its_receipt_recorded() {
    let site = Site::new().await;
    let notify = site.notify();
    let composed = site.compose("the night of 2026-11-20").await;
    site.deliver(&notify).await;
    site.deliver(&notify).await;
    let history = site.log.stream(&StreamName::summary(1)).await.unwrap();
    let [_, sent] = history.as_slice() else { panic!("{history:?}") };
    let Event::SummarySent(sent) = &sent.event else { panic!("{sent:?}") };
    assert_eq!(sent.message_id, composed.message_id);
    let mails = site.mails();
    assert_eq!(mails.keys().collect::<Vec<_>>(), [&sent.receipt]);
    let message = &mails[&sent.receipt];
    assert!(message.contains(&format!("Message-ID: <{}>\r\n", composed.message_id)), "{message}");
    assert!(message.contains("Auto-Submitted: auto-generated\r\n"), "{message}");
    assert!(message.contains("To: \"Ann Office\" <office@example.com>, consultant@example.org\r\n"), "{message}");
}

/// The process dies after the mail is out and before that is recorded.
#[tokio::test]
async fn a_mail_that_is_sent_again_after_a_crash_is_the_same_file_with_the_same_bytes() {
    let site = Site::new().await;
    site.compose("the night of 2026-11-20").await;
    let history = site.log.stream(&StreamName::summary(1)).await.unwrap();
    let trigger = history[0].clone();
    let task = Task::<Notice> {
        stream: trigger.stream.clone(),
        version: trigger.version,
        state: fold(&history).unwrap(),
        trigger,
    };
    site.handle(&site.notify(), vec![task.clone()]).await;
    let first = site.mails();
    site.safe("B-1").await;
    // Its duplicate has the state from before: the append is refused, the file overwritten.
    site.handle(&site.notify(), vec![task]).await;
    assert_eq!(site.mails(), first);
    assert_eq!(site.log.stream(&StreamName::summary(1)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_folder_that_takes_nothing_is_tried_again_for_ever_and_loses_nothing() {
    let site = Site::new().await;
    let folder = site.mail_folder();
    fs::write(&folder, "a file stands where the folder should be").unwrap();
    let notify = site.notify_by(Post::Folder(Folder::new(folder.clone())));
    site.compose("the night of 2026-11-20").await;
    for attempt in 1..=4 {
        site.deliver(&notify).await;
        let history = site.log.stream(&StreamName::summary(1)).await.unwrap();
        let Event::SummaryFailed(failed) = &history.last().unwrap().event else { panic!("{history:?}") };
        assert_eq!((failed.kind, failed.attempt), (FailureKind::MailUnreachable, attempt));
        // More attempts than the policy grants to a file.
        site.clock.set(failed.retry_at.unwrap());
    }
    fs::remove_file(&folder).unwrap();
    site.deliver(&notify).await;
    assert_eq!(site.mails().len(), 1);
}

#[tokio::test]
async fn a_duplicate_that_found_the_same_summary_due_composes_none_after_it() {
    let site = Site::new().await;
    let actor = "notify@backup-2".parse().unwrap();
    let compose = || strongroom_notify::compose_after(&site.log, None, "the night", &site.clock, &actor);
    assert!(compose().await.unwrap().is_some());
    assert!(compose().await.unwrap().is_none(), "it was due after none, and there is one by now");
    assert_eq!(site.log.head().await.unwrap().size, 2);
}

#[tokio::test]
async fn notify_is_always_ready_and_takes_one_batch_at_a_time() {
    let site = Site::new().await;
    let notify = site.notify();
    assert!(notify.ready().await.is_ok());
    assert_eq!(notify.limits().batches, 1);
    assert!(RetryPolicy::default().delay(Fate::RetryForever, u32::MAX, 0.0).is_some());
}
