use strongroom_bus::Done;
use strongroom_model::Event;
use strongroom_model::event::{AlarmKey, AlarmKind, AlarmRaised, RunEnumerated, ZeroReason};
use strongroom_source::error::SERVER;

use crate::pick::Pick;

/// A run's outcome, without the bookings' events. `whole`: the list was read to its end.
pub(crate) fn findings(pick: &Pick, whole: bool) -> Done {
    let mut done = Done::event(Event::RunEnumerated(RunEnumerated {
        waiting: pick.waiting,
        listed: pick.listed,
        enumerated: pick.taken.len() as u64,
        claimed: pick.claimed,
        forgotten: pick.forgotten,
        unusable: pick.unusable,
        rejected: pick.rejected.clone(),
        zero_reason: zero_reason(pick),
    }));
    if pick.forgotten > 0 {
        done.raise.push(forgot(pick));
    } else if whole {
        // Only a complete list shows that there is none.
        let message = "the server no longer offers bookings that were archived".to_owned();
        done.clear.push((AlarmKey::new(AlarmKind::ServerForgot, SERVER), message));
    }
    done
}

/// Zero is never silent (R8).
fn zero_reason(pick: &Pick) -> Option<ZeroReason> {
    if !pick.taken.is_empty() {
        return None;
    }
    Some(match pick {
        Pick { listed: 0, waiting: 0, unusable: 0, .. } => ZeroReason::NothingWaiting,
        // The server's count contradicts its list, so this is not "nothing".
        Pick { listed: 0, .. } => ZeroReason::NoneListed,
        Pick { claimed: 0, forgotten: 0, .. } => ZeroReason::NoneUsable,
        _ => ZeroReason::AllClaimed,
    })
}

fn forgot(pick: &Pick) -> AlarmRaised {
    let named: Vec<String> = pick.forgotten_ids.iter().map(|id| format!("--booking {id}")).collect();
    let more = pick.forgotten.saturating_sub(named.len() as u64);
    let rest =
        if more > 0 { format!(", then look at the {more} others that the next run names") } else { String::new() };
    AlarmRaised {
        kind: AlarmKind::ServerForgot,
        subject: SERVER.to_owned(),
        message: format!(
            "the document server offers {} bookings as not backed up that were archived: it may have been restored from an older state",
            pick.forgotten
        ),
        next_step: format!("run `strongroom retry {}` to tell it again{rest}", named.join(" ")),
    }
}
