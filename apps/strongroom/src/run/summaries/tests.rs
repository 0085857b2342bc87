use strongroom_model::Event;
use strongroom_model::event::Trigger;

use super::*;
use crate::run::testing::{Site, booking, enumerated, failed, found};

async fn keeper(site: &Site, mode: &str) -> Summaries {
    let lines = format!(
        "time_zone = \"UTC\"\n[schedule]\nbetween = \"23:00-05:00\"\ngrace = \"15m\"\n[mail]\nsummary = \"{mode}\"\n"
    );
    Summaries::new(&site.config(&lines), &site.log, &site.clock, &site.actor()).await.unwrap()
}

async fn composed(site: &Site) -> usize {
    site.count(|event| matches!(event, Event::SummaryComposed(_))).await
}

async fn run(site: &Site) {
    let previous = request::newest(&site.log).await.unwrap().map(|newest| newest.stream);
    let wanted = (Trigger::Schedule, 100);
    let run = request::request(&site.log, &site.clock, &site.actor(), wanted, previous.as_ref()).await.unwrap();
    site.happens(&run, found(1)).await;
}

#[tokio::test]
async fn a_run_has_one_summary_whoever_looks_and_however_often() {
    let site = Site::new().await;
    let (one, other) = (keeper(&site, "run").await, keeper(&site, "run").await);
    for expected in 0..3 {
        for keeper in [&one, &other, &one] {
            keeper.turn().await.unwrap();
        }
        assert_eq!(composed(&site).await, expected);
        run(&site).await;
    }
}

#[tokio::test]
async fn a_runs_summary_waits_for_its_bookings() {
    let site = Site::new().await;
    let summaries = keeper(&site, "run").await;
    run(&site).await;
    site.happens(&booking("B-1"), enumerated()).await;
    summaries.turn().await.unwrap();
    assert_eq!(composed(&site).await, 0);
    site.happens(&booking("B-1"), failed(None)).await;
    summaries.turn().await.unwrap();
    assert_eq!(composed(&site).await, 1);
}

#[tokio::test]
async fn a_night_has_one_summary_and_does_not_wait_for_ever() {
    let site = Site::new().await;
    run(&site).await;
    site.happens(&booking("B-1"), enumerated()).await;
    let (one, other) = (keeper(&site, "window").await, keeper(&site, "window").await);
    for (hours, expected) in [(5, 0), (6, 0), (0, 1), (12, 1)] {
        for keeper in [&one, &other] {
            keeper.turn().await.unwrap();
        }
        assert_eq!(composed(&site).await, expected, "after {hours} h more");
        site.wait(hours * 3600);
        if hours == 6 {
            site.wait(15 * 60);
        }
    }
}

#[tokio::test]
async fn r7_r8_a_clock_that_was_ten_years_ahead_for_one_summary_does_not_silence_those_to_come() {
    for mode in ["window", "daily", "run"] {
        let site = Site::new().await;
        run(&site).await;
        let summaries = keeper(&site, mode).await;
        site.wait(3653 * 24 * 3600);
        summaries.turn().await.unwrap();
        assert_eq!(composed(&site).await, 1, "{mode}");
        site.clock.set("2026-11-21T04:00:00Z".parse().unwrap());
        run(&site).await;
        for _ in 0..5 * 60 {
            site.wait(60);
            summaries.turn().await.unwrap();
        }
        // Nobody knows for how long none was due, so one more may tell at once.
        let composed = composed(&site).await;
        assert!((2..=3).contains(&composed), "{mode}: {composed} by nine in the morning");
    }
}
