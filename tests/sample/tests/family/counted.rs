//! Counted in the status and in the summary, without a section of its own.

use jiff::tz::TimeZone;
use strongroom_audit::{Observed, Status};
use strongroom_model::Event;
use strongroom_notify::message::Addresses;
use strongroom_notify::post::Folder;
use strongroom_notify::{Notify, Post, Settings, compose};

use crate::rig::{MAX_ATTEMPTS, Setting, Site};

/// The text of the summary over what no summary has covered yet.
async fn summary(site: &Site) -> String {
    let from = "Strongroom <strongroom@example.com>".parse().unwrap();
    let addresses = Addresses { from, to: vec!["office@example.com".parse().unwrap()] };
    let post = Post::Folder(Folder::new("never-written".into()));
    let notify = Notify::new(
        site.log.clone(),
        Settings { addresses, post, zone: TimeZone::UTC, job_grace: std::time::Duration::from_secs(1800) },
    );
    let recorded = compose(&site.log, "a night", &site.clock, &"notify@test".parse().unwrap()).await.unwrap().unwrap();
    let Event::SummaryComposed(composed) = recorded.event else { panic!("{recorded:?}") };
    notify.summary_mail(&composed, site.clock.now()).await.unwrap().text
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_and_what_needs_a_person_is_counted() {
    let site = Site::new(Setting::Embedded).await;
    site.request("granite", 0).await;
    site.request("slate", 1).await;
    site.request("marble", MAX_ATTEMPTS).await;
    site.until_count("taken", 2).await;
    site.until_count("needs-attention", 1).await;
    assert_eq!(site.types("marble").await.last().unwrap(), "work.failed");

    let status = Status::read(&site.log, Observed::default()).await.unwrap();
    let counts = [("needs-attention".to_owned(), 1), ("taken".to_owned(), 2)];
    assert_eq!(status.subjects["sample"], counts.into());
    assert!(status.has_problems());

    let first = summary(&site).await;
    assert!(first.starts_with("1 task needs you: "), "{first}");
    assert!(first.contains("* 1 × sample: "), "{first}");
    assert!(first.contains("Sample marble\n    The sample was cut short."), "{first}");
    assert!(first.contains("Other work, sample: 1 needs-attention, 3 requested, 2 taken"), "{first}");
    let next = summary(&site).await;
    assert!(next.starts_with("1 task needs you: "), "what is open is said again:\n{next}");
    assert!(!next.contains("Other work"), "what is over is not:\n{next}");
    site.end().await;
}
