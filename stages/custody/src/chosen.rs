//! Which copies an act is about.

use std::collections::HashSet;

use strongroom_audit::Holding;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::copy::Copy;
use strongroom_model::event::Selection;
use strongroom_model::fold::fold;
use strongroom_model::{Algorithm, Digest, DriveId, StreamName};

/// Those of `found` that the selection names.
pub(crate) async fn chosen(
    log: &EventLog,
    drive: DriveId,
    which: &Selection,
    found: Vec<Holding>,
) -> Result<Vec<Holding>, LogError> {
    Ok(match which {
        Selection::All => found,
        Selection::Bookings { ids } => {
            let ids: HashSet<_> = ids.iter().collect();
            found.into_iter().filter(|one| ids.contains(&one.booking)).collect()
        }
        Selection::Month { month } => found.into_iter().filter(|one| one.month == *month).collect(),
        Selection::Sample { per_10000, seed } => {
            found.into_iter().filter(|one| is_drawn(one, *per_10000, *seed)).collect()
        }
        Selection::Since { time } => {
            let streams: Vec<StreamName> = found.iter().map(|one| one.stream(drive)).collect();
            let histories = log.readable_streams(&streams).await?;
            let proven_at = |one: &Holding| {
                let later = histories.get(&one.stream(drive)).and_then(|history| fold::<Copy>(history).ok());
                match later {
                    Some(Copy { evidence: Some(evidence), .. }) => Some(evidence.time),
                    Some(Copy { damage: Some(_), .. }) => None,
                    _ => Some(one.time),
                }
            };
            found.into_iter().filter(|one| proven_at(one).is_none_or(|at| at < *time)).collect()
        }
    })
}

/// Whether a copy is in the sample: the same for the same seed, whoever asks.
fn is_drawn(copy: &Holding, per_10000: u32, seed: u64) -> bool {
    let drawn = Digest::of(Algorithm::Sha256, format!("{seed}/{}", copy.event).as_bytes());
    let number = drawn.value().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    number % 10_000 < u64::from(per_10000)
}
