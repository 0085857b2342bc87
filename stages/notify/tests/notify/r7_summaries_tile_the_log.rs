//! R7: a summary covers an exact interval; the next starts where it ended. Nothing is
//! counted twice or left out, across crashes too.

use std::collections::BTreeMap;

use proptest::prelude::*;
use strongroom_model::event::{SummaryComposed, ZeroReason};
use strongroom_model::{AlarmKind, Event, Position, StageName};
use strongroom_notify::Post;
use strongroom_notify::post::Folder;
use strongroom_notify::summary::report::tally;

use crate::site::{Site, addresses};

/// What a site may live through, in any order.
#[derive(Debug, Clone)]
enum Op {
    File,
    Run,
    Alarm,
    Compose,
    /// Two processes compose at once.
    ComposeTwice,
    Deliver,
    /// The mail goes out, and the process dies before that is recorded.
    SendAndDie,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => Just(Op::File),
        2 => Just(Op::Run),
        1 => Just(Op::Alarm),
        2 => Just(Op::Compose),
        1 => Just(Op::ComposeTwice),
        2 => Just(Op::Deliver),
        1 => Just(Op::SendAndDie),
    ]
}

async fn apply(site: &Site, number: usize, op: &Op) {
    match op {
        Op::File => site.safe(&format!("B-{number}")).await,
        Op::Run => site.run(0, 0, Some(ZeroReason::NothingWaiting)).await,
        Op::Alarm => {
            site.raised(AlarmKind::DriveMissing, "no drive").await;
            site.cleared(AlarmKind::DriveMissing, "the drive is back").await;
        }
        Op::Compose => drop(site.compose("the night of 2026-11-20").await),
        Op::ComposeTwice => {
            let actor = "notify@backup-2".parse().unwrap();
            let compose = || strongroom_notify::compose(&site.log, "the night", &site.clock, &actor);
            let (one, other) = tokio::join!(compose(), compose());
            assert!(one.unwrap().is_some() || other.unwrap().is_some(), "one of them wins");
        }
        Op::Deliver => site.deliver(&site.notify()).await,
        Op::SendAndDie => send_and_die(site).await,
    }
}

/// Every pending summary goes out, and nothing is recorded of it.
async fn send_and_die(site: &Site) {
    let post = Post::Folder(Folder::new(site.mail_folder()));
    for trigger in site.log.pending(StageName::Notify, Position(0), 100).await.unwrap() {
        if let Event::SummaryComposed(composed) = &trigger.event {
            let mail = site.notify().summary_mail(composed, trigger.time).await.unwrap();
            post.send(&mail, &addresses(), &[]).await.unwrap();
        }
    }
}

/// Every summary in the log, by number.
async fn summaries(site: &Site) -> BTreeMap<u64, SummaryComposed> {
    let mut found = BTreeMap::new();
    let head = site.log.head().await.unwrap().size;
    let mut next = Position(0);
    while next.0 < head {
        for stored in site.log.read(next, 256).await.unwrap() {
            next = stored.position.next();
            if let Event::SummaryComposed(data) = stored.decode().unwrap().event {
                assert!(found.insert(data.number, data).is_none(), "one number was composed twice");
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_event_is_counted_in_exactly_one_summary(ops in proptest::collection::vec(op(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let site = Site::new().await;
            for (number, op) in ops.iter().enumerate() {
                apply(&site, number, op).await;
            }
            let last = site.compose("the last").await;
            let (mut end, mut events, mut safe, mut runs, mut alarms) = (Position(0), 0, 0, 0, 0);
            for (index, (number, summary)) in summaries(&site).await.into_iter().enumerate() {
                prop_assert_eq!(number, index as u64 + 1);
                prop_assert_eq!(summary.from, end, "No {} begins where the one before it ended", number);
                end = summary.to;
                let tally = tally(&site.log, summary.from, summary.to).await.unwrap();
                prop_assert_eq!(tally.events, summary.to.0 - summary.from.0);
                events += tally.events;
                safe += tally.files.backed_up;
                runs += tally.runs.started;
                alarms += tally.alarms.raised;
            }
            let count = |wanted: fn(&Op) -> bool| ops.iter().filter(|op| wanted(op)).count() as u64;
            prop_assert_eq!(events, last.to.0);
            prop_assert_eq!(safe, count(|op| matches!(op, Op::File)));
            prop_assert_eq!(runs, count(|op| matches!(op, Op::Run)));
            prop_assert_eq!(alarms, count(|op| matches!(op, Op::Alarm)));
            // Everything that was composed goes out in the end, each as one file.
            site.deliver(&site.notify()).await;
            let mails = site.mails();
            for (_, summary) in summaries(&site).await {
                let id = format!("<{}>", summary.message_id);
                prop_assert_eq!(mails.values().filter(|mail| mail.contains(&id)).count(), 1);
            }
            Ok(())
        })?;
    }
}
