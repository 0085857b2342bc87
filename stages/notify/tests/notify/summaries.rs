//! What a summary says.

use strongroom_model::event::{DiskOf, DriveAttached, ReadBack, Rejected, Trigger, ZeroReason};
use strongroom_model::{AlarmKind, DriveId, Event, FailureKind, StageName, StreamName};
use strongroom_notify::Mail;

use crate::site::{Site, blue, looked};

async fn mail(site: &Site, title: &str) -> Mail {
    let composed = site.compose(title).await;
    site.notify().summary_mail(&composed, site.clock.now()).await.unwrap()
}

fn shown(mail: &Mail) -> String {
    format!("Subject: {}\n\n{}", mail.subject, mail.text)
}

/// A night on which nothing was to be done by anybody.
async fn good_night() -> Site {
    let site = Site::new().await;
    site.run(14, 14, None).await;
    for n in 1..=13 {
        site.safe(&format!("B-{n}")).await;
    }
    site.enumerated("B-14", "late.pdf").await;
    site.failed("B-14", StageName::Fetch, FailureKind::CutShort, "the body ended after 4096 of 65536 bytes", true)
        .await;
    site.fetched("B-14").await;
    site.backed_up("B-14", ReadBack::CacheDropped).await;
    site.archived("B-14").await;
    site.run(0, 0, Some(ZeroReason::NothingWaiting)).await;
    site.at("2026-11-21T04:00:00Z");
    site
}

/// That a drive was found attached, on that disk and to be proven in that way.
async fn attached(site: &Site, drive: DriveId, disk: DiskOf, cached_is_proven: bool) {
    site.append(StreamName::drive(drive), Event::DriveAttached(DriveAttached { disk, cached_is_proven })).await;
}

#[tokio::test]
async fn how_the_drive_is_used_stands_in_each_mail_for_as_long_as_it_is_so() {
    let site = good_night().await;
    attached(&site, blue(), DiskOf::System, true).await;
    let disk = "Drive “Blue-1” is on the disk of the system: if that disk fails, the copies on it are lost with it.";
    let opt_out = "`verify.require` is set to \"cached\" for drive “Blue-1”: a copy counts as proven though";
    let plain = |mail: &Mail| mail.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let first = site.compose("night").await;
    for title in ["this night", "a night on which nothing happened"] {
        let mail = mail(&site, title).await;
        assert!(plain(&mail).contains(disk) && plain(&mail).contains(opt_out), "{}", mail.text);
        assert!(mail.html.contains("is on the disk of the system"), "{}", mail.html);
    }
    // Another drive, as it should be, is put in its place: nothing went to the first one since.
    attached(&site, DriveId(uuid::Uuid::from_u128(7)), DiskOf::Own, false).await;
    let later = mail(&site, "after a swap").await;
    assert!(
        !plain(&later).contains("disk of the system") && !plain(&later).contains("verify.require"),
        "{}",
        later.text
    );
    // The first one reads the same whenever it is sent.
    assert!(plain(&site.notify().summary_mail(&first, site.clock.now()).await.unwrap()).contains(disk));

    attached(&site, blue(), DiskOf::Own, false).await;
    site.safe("B-99").await;
    assert!(!plain(&mail(&site, "well again").await).contains("disk of"));
    attached(&site, blue(), DiskOf::Memory, false).await;
    assert!(plain(&mail(&site, "in memory").await).contains("Drive “Blue-1” is in memory: all copies on it are gone"));
}

/// A night with every kind of trouble, and with names that were chosen by an enemy.
async fn bad_night() -> Site {
    let site = Site::new().await;
    let stream = site.run_requested(Trigger::Schedule).await;
    let mut look = looked(60, 30, None);
    look.unusable = 25;
    let bad = |n: u32| Rejected { booking: format!("../{n}<b>"), reason: "its id is not a booking id".to_owned() };
    look.rejected = (0..25).map(bad).collect();
    site.run_enumerated(stream, look).await;
    for n in 1..=10 {
        site.safe(&format!("B-{n}")).await;
    }
    for n in 11..=24 {
        let id = format!("B-{n}");
        let name = "<script>alert(1)</script>\r\nBcc: all@example.com \u{202e}fdp.exe";
        site.enumerated(&id, name).await;
        site.failed(&id, StageName::Fetch, FailureKind::FileMissing, "404 Not Found <img src=x>", false).await;
    }
    site.enumerated("B-25", "twice.pdf").await;
    site.failed("B-25", StageName::Fetch, FailureKind::RecordWrong, "twice sha256:1f…, not sha256:9a…", false).await;
    site.enumerated("B-26", "waits.pdf").await;
    site.failed("B-26", StageName::Fetch, FailureKind::Stalled, "no byte came for 30 s", true).await;
    site.raised(AlarmKind::ServerUnreachable, "connection refused by 192.0.2.1:8400").await;
    site.cleared(AlarmKind::ServerUnreachable, "the server answers again").await;
    site.raised(AlarmKind::DriveFull, "drive Blue-1 has 1.9 GiB left, 2.0 GiB are kept in reserve").await;
    site.at("2026-11-21T04:00:00Z");
    site
}

#[tokio::test]
async fn a_good_night_is_one_sentence_and_its_proof() {
    let mail = mail(&good_night().await, "the night of 2026-11-20").await;
    insta::assert_snapshot!("good_night_text", shown(&mail));
    insta::assert_snapshot!("good_night_html", mail.html);
}

#[tokio::test]
async fn a_bad_night_begins_with_what_needs_a_person() {
    let mail = mail(&bad_night().await, "the night of 2026-11-20").await;
    insta::assert_snapshot!("bad_night_text", shown(&mail));
    insta::assert_snapshot!("bad_night_html", mail.html);
}

#[tokio::test]
async fn the_verdict_counts_the_alarms_that_last_beside_the_worst() {
    let site = Site::new().await;
    for booking in ["B-1", "B-2", "B-3"] {
        site.raised_about(AlarmKind::CopyLost, booking, "the copy is no longer good").await;
    }
    let mail = mail(&site, "the night of 2026-11-20").await;
    assert_eq!(mail.text.lines().next(), Some("A proven copy is lost, and 2 other alarms."), "{}", mail.text);
}

#[tokio::test]
async fn r9_hostile_names_are_shown_not_obeyed() {
    let mail = mail(&bad_night().await, "the night\r\nBcc: x@example.com").await;
    assert!(!mail.html.contains("<script>") && !mail.html.contains("<img"), "{}", mail.html);
    assert!(!mail.text.contains("\nBcc:") && !mail.html.contains("\nBcc:"));
    assert!(!mail.text.contains('\u{202e}') && !mail.html.contains('\u{202e}'));
    assert!(!mail.subject.contains(['\r', '\n']));
}

#[tokio::test]
async fn r8_zero_is_stated_with_its_reason() {
    let verdict =
        async |site: &Site| mail(site, "the night of 2026-11-20").await.text.lines().next().unwrap().to_owned();
    let site = Site::new().await;
    let mut verdicts = vec![format!("no run: {}", verdict(&site).await)];

    site.run_requested(Trigger::Schedule).await;
    verdicts.push(format!("a run that has not asked: {}", verdict(&site).await));

    let stream = site.run_requested(Trigger::Schedule).await;
    let failed = strongroom_model::event::Failed {
        stage: StageName::Enumerate,
        kind: FailureKind::ServerError,
        message: "500".to_owned(),
        attempt: 1,
        retry_at: None,
        digest: None,
        next_step: None,
        quarantined: None,
        reached: Vec::new(),
    };
    site.append(stream, Event::RunFailed(failed)).await;
    verdicts.push(format!("a run that failed: {}", verdict(&site).await));

    site.run(0, 0, Some(ZeroReason::NothingWaiting)).await;
    verdicts.push(format!("nothing waiting: {}", verdict(&site).await));

    let stream = site.run_requested(Trigger::Once).await;
    let mut look = looked(2, 0, Some(ZeroReason::NoneUsable));
    look.unusable = 2;
    site.run_enumerated(stream, look).await;
    verdicts.push(format!("none usable: {}", verdict(&site).await));

    let stream = site.run_requested(Trigger::Once).await;
    let mut look = looked(5, 0, Some(ZeroReason::NoneListed));
    look.listed = 0;
    site.run_enumerated(stream, look).await;
    verdicts.push(format!("none listed: {}", verdict(&site).await));

    site.run(1, 1, None).await;
    site.enumerated("B-1", "a.pdf").await;
    verdicts.push(format!("on the way: {}", verdict(&site).await));

    site.failed("B-1", StageName::Fetch, FailureKind::Stalled, "no byte came for 30 s", true).await;
    verdicts.push(format!("to be tried again: {}", verdict(&site).await));

    site.raised(AlarmKind::DriveMissing, "no drive is mounted at /mnt/backup").await;
    verdicts.push(format!("no drive: {}", verdict(&site).await));
    insta::assert_snapshot!(verdicts.join("\n"));
}

#[tokio::test]
async fn what_is_left_on_the_server_is_not_called_all() {
    let site = Site::new().await;
    site.run(5_000, 2, None).await;
    site.safe("B-1").await;
    site.safe("B-2").await;
    let mail = mail(&site, "the run of 2026-11-20 23:00").await;
    let first = mail.text.lines().next().unwrap();
    assert_eq!(first, "2 files are safe on drive Blue-1; 4,998 more wait on the server.");
}

#[tokio::test]
async fn a_copy_that_was_read_from_the_cache_is_not_passed_off_as_more() {
    let site = Site::new().await;
    site.run(1, 1, None).await;
    site.enumerated("B-1", "a.pdf").await;
    site.fetched("B-1").await;
    site.backed_up("B-1", ReadBack::Cached).await;
    site.archived("B-1").await;
    let mail = mail(&site, "the night of 2026-11-20").await;
    assert!(mail.text.contains("1 copy was read back while the page cache may still have held it"), "{}", mail.text);
}

#[tokio::test]
async fn gaps_are_visible() {
    let site = good_night().await;
    site.compose("the night of 2026-11-20").await;
    site.run(0, 0, Some(ZeroReason::NothingWaiting)).await;
    let mail = mail(&site, "the night of 2026-11-21").await;
    assert!(mail.subject.contains("No 2"), "{}", mail.subject);
    assert!(mail.text.contains("Mail No 1 had not been handed over when this one was composed."), "{}", mail.text);
    assert!(mail.text.contains("No 1 ended where it begins."), "{}", mail.text);
}

#[tokio::test]
async fn a_summary_reads_the_same_to_the_letter_however_late_it_is_sent() {
    let site = bad_night().await;
    let composed = site.compose("the night of 2026-11-20").await;
    let at = site.clock.now();
    let first = site.notify().summary_mail(&composed, at).await.unwrap();
    // Everything moves on: what was stuck is given back and comes through, drives change.
    site.cleared(AlarmKind::DriveFull, "there is room again").await;
    site.fetched("B-26").await;
    site.backed_up("B-26", ReadBack::Direct).await;
    let back = strongroom_model::event::Retried { stage: StageName::Enumerate, reason: None };
    for n in 11..=25 {
        let stream = StreamName::booking(&format!("B-{n}").parse().unwrap());
        site.append(stream, Event::TimesheetRetried(back.clone())).await;
        site.enumerated(&format!("B-{n}"), "another.pdf").await;
    }
    site.compose("the night of 2026-11-21").await;
    assert_eq!(site.notify().summary_mail(&composed, at).await.unwrap(), first);
}

#[tokio::test]
async fn an_interval_without_events_says_so() {
    let site = Site::new().await;
    site.compose("the first").await;
    // Only its own composition has happened since.
    let second = site.compose("the second").await;
    assert_eq!(second.to.0 - second.from.0, 1);
    let text = site.text(&second).await;
    assert!(text.starts_with("Nothing was backed up: no run took place."), "{text}");
    assert!(text.contains("How many files wait on the server is not known."), "{text}");
    assert!(text.contains("(1 event)"), "{text}");
}
