//! One batch: its downloads, and the groups in which they are made durable.

use std::time::Duration;

use strongroom_bus::{Settle, Task};
use strongroom_model::booking::Booking;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::group::{ALONE_FROM_BYTES, land};
use crate::one::{Ended, Shared};
use crate::wanted::{Asked, Come};

/// How long files that have come wait for others, so as to share a sync with them: a slow
/// file must not keep finished ones from being safe.
const LINGER: Duration = Duration::from_secs(1);

/// A batch under way. Dropped, its downloads stop; what came stays on the drive.
pub(crate) struct Batch {
    shared: Shared,
    settle: Settle<Booking>,
    /// Files that have come and are not yet durable.
    group: Vec<(Task<Booking>, Come)>,
    /// When the group is made durable at the latest.
    due: Instant,
    /// Groups that are being made durable, and tasks that are being settled, while more comes.
    landings: JoinSet<()>,
}

impl Batch {
    pub(crate) fn new(shared: Shared, settle: Settle<Booking>) -> Self {
        Self { shared, settle, group: Vec::new(), due: Instant::now(), landings: JoinSet::new() }
    }

    /// Brings all of it, and settles each file when it is durable or when its task is over.
    pub(crate) async fn run(mut self, wanted: Vec<Asked>) {
        let (fitting, others): (Vec<Asked>, Vec<Asked>) = wanted.into_iter().partition(|(_, wanted)| wanted.fits);
        let mut downloads: JoinSet<Ended> = fitting.into_iter().map(|asked| self.shared.clone().bring(asked)).collect();
        let mut others = others.into_iter();
        loop {
            if downloads.is_empty() {
                // There may be room for these all the same: a part of them may be on the drive
                // already. One after the other, for each claims room before it is refused.
                let Some(other) = others.next() else { break };
                downloads.spawn(self.shared.clone().bring(other));
            }
            tokio::select! {
                Some(ended) = downloads.join_next() => self.ended(unwound(ended)),
                () = sleep_until(self.due), if !self.group.is_empty() => self.flush(),
            }
        }
        self.flush();
        while let Some(landed) = self.landings.join_next().await {
            unwound(landed);
        }
    }

    fn ended(&mut self, (task, ended): Ended) {
        match ended {
            Ok(come) if come.received.size() >= ALONE_FROM_BYTES => self.land(vec![(task, come)]),
            Ok(come) => {
                if self.group.is_empty() {
                    self.due = Instant::now() + LINGER;
                }
                self.group.push((task, come));
            }
            Err(outcome) => {
                let settle = self.settle.clone();
                self.landings.spawn(async move { settle.one(task, outcome).await });
            }
        }
    }

    fn flush(&mut self) {
        let group = std::mem::take(&mut self.group);
        if !group.is_empty() {
            self.land(group);
        }
    }

    fn land(&mut self, group: Vec<(Task<Booking>, Come)>) {
        self.landings.spawn(land(self.shared.drive.clone(), group, self.settle.clone()));
    }
}

/// A panic goes on where the runner sees it; nothing here cancels a task by itself.
fn unwound<T>(ended: Result<T, JoinError>) -> T {
    ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
