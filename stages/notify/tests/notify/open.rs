//! What was open at a position, against folding everything before it.

use proptest::prelude::*;
use strongroom_model::booking::{Booking, Phase};
use strongroom_model::event::ReadBack;
use strongroom_model::fold::fold;
use strongroom_model::{FailureKind, Position, StageName};
use strongroom_notify::summary::open::open_at;

use crate::site::{Site, booking};

/// One step in a booking's life, whatever fits its state.
async fn step(site: &Site, id: &str, choice: u8) {
    let state: Booking = fold(&site.log.stream(&booking(id)).await.unwrap()).unwrap();
    if state.needs_attention() || state.phase == Phase::Archived {
        return;
    }
    let (stage, fails) = match state.phase {
        Phase::New => (StageName::Enumerate, choice == 0),
        Phase::Enumerated => (StageName::Fetch, choice < 2),
        Phase::Fetched => (StageName::Verify, choice < 2),
        _ => (StageName::Archive, choice < 2),
    };
    match (fails, stage) {
        (true, _) => site.failed(id, stage, FailureKind::ServerError, "500", choice == 1).await,
        (false, StageName::Enumerate) => site.enumerated(id, id).await,
        (false, StageName::Fetch) => site.fetched(id).await,
        (false, StageName::Verify) => site.backed_up(id, ReadBack::Direct).await,
        (false, _) => site.archived(id).await,
    }
}

/// What a fold of each booking up to `to` says: in progress by phase, waiting, stuck.
async fn folded(site: &Site, to: Position) -> ([u64; 3], u64, u64) {
    let (mut phases, mut retrying, mut stuck) = ([0; 3], 0, 0);
    for n in 0..8 {
        let history = site.log.stream(&booking(&format!("B{n}"))).await.unwrap();
        let state: Booking = fold(history.iter().filter(|event| event.position < to)).unwrap();
        if state.needs_attention() {
            stuck += 1;
            continue;
        }
        match state.phase {
            Phase::Enumerated => phases[0] += 1,
            Phase::Fetched => phases[1] += 1,
            Phase::BackedUp => phases[2] += 1,
            _ => continue,
        }
        retrying += u64::from(state.failure.is_some());
    }
    (phases, retrying, stuck)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_was_open_is_found_however_far_the_log_has_gone_on(
        steps in proptest::collection::vec((0..8_u8, 0..8_u8), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let site = Site::new().await;
            for (n, choice) in steps {
                step(&site, &format!("B{n}"), choice).await;
            }
            let head = site.log.head().await.unwrap().size;
            for to in (1..=head).map(Position) {
                let open = open_at(&site.log, to).await.unwrap();
                let claimed = open.claimed;
                let found = ([claimed.to_fetch, claimed.to_prove, claimed.to_tell], claimed.retrying,
                    open.attention.total);
                prop_assert_eq!(found, folded(&site, to).await, "at {}", to);
            }
            Ok(())
        })?;
    }
}
