//! Long work: the log is told that it goes on, so that its delivery can be forgotten.
//!
//! A broker loses patience with a delivery that is not acknowledged for half an hour, and
//! hands it to somebody else; a file may take longer. So, after a while, the tasks that are
//! still open get an event that says until when they are at work, and the delivery is
//! acknowledged. Before that time has passed they say it again. If we stop here, nobody says
//! it again, and the relay hands the work out anew when the time has passed.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;

use strongroom_model::StreamName;
use tokio::time::sleep;

use crate::batch::BatchWorker;
use crate::claims::Claim;
use crate::settling::Settling;

/// For how many intervals the work is held at a time: one may be missed, where the log does
/// not answer.
pub(crate) const INTERVALS: u32 = 2;

impl BatchWorker {
    /// Waits for the stage's work, and holds what is still open of it, again and again.
    pub(crate) async fn hold(
        &self,
        work: impl Future<Output = ()>,
        settling: &Settling,
        claims: &HashMap<StreamName, Claim>,
    ) {
        let Some(hold_after) = self.hold_after else { return work.await };
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                () = &mut work => return,
                () = sleep(hold_after) => {}
            }
            let until = self.context.clock.now().checked_add(hold_after * INTERVALS).unwrap_or(jiff::Timestamp::MAX);
            let mut holding = pin!(settling.hold(until));
            let mut over = false;
            // An append that was begun is carried out: it is waited for even if the work is over
            // first, so that we know where the streams stand.
            let held = loop {
                tokio::select! {
                    biased;
                    held = &mut holding => break held,
                    () = &mut work, if !over => over = true,
                }
            };
            for (stream, position) in held {
                if let Some(claim) = claims.get(&stream) {
                    claim.held(position);
                }
            }
            if over {
                return;
            }
        }
    }
}
