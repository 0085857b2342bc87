//! Long work: a lease in the log, so that the delivery can be acknowledged early.
//!
//! A broker requeues a delivery that is not acknowledged for half an hour (`consumer_timeout`); a file may take
//! longer. So, after a while, each open task gets a lease in the log, and its delivery is acknowledged. The lease is
//! renewed before it ends. If we stop here, it expires, and the relay publishes the work again.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;

use strongroom_model::StreamName;
use tokio::time::sleep;

use crate::batch::BatchWorker;
use crate::claims::Claim;
use crate::settling::Settling;

/// The lease in intervals of renewal: one may be missed while the log does not answer.
pub(crate) const INTERVALS: u32 = 2;

impl BatchWorker {
    pub(crate) async fn work_under_lease(
        &self,
        work: impl Future<Output = ()>,
        settling: &Settling,
        claims: &HashMap<StreamName, Claim>,
    ) {
        let Some(lease_after) = self.lease_after else { return work.await };
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                () = &mut work => return,
                () = sleep(lease_after) => {}
            }
            let until = self.context.clock.now().checked_add(lease_after * INTERVALS).unwrap_or(jiff::Timestamp::MAX);
            let mut leasing = pin!(settling.append_leases(until));
            let mut over = false;
            // An append that was begun is awaited even if the work ends first: it moves the stream.
            let leased = loop {
                tokio::select! {
                    biased;
                    leased = &mut leasing => break leased,
                    () = &mut work, if !over => over = true,
                }
            };
            for (stream, position) in leased {
                if let Some(claim) = claims.get(&stream) {
                    claim.leased(position);
                }
            }
            if over {
                return;
            }
        }
    }
}
