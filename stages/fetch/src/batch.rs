//! One batch: its downloads, and the groups in which they are made durable.

use std::time::Duration;

use strongroom_bus::{Settle, Task};
use strongroom_model::booking::Booking;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::download::{Finished, Shared};
use crate::group::{ALONE_FROM_BYTES, commit_group};
use crate::transfer::{Downloaded, Pending};

/// How long downloaded files wait for others to share a sync with: a slow file must not keep
/// finished ones from being durable.
const LINGER: Duration = Duration::from_secs(1);

/// A batch in flight. Dropped, its downloads stop; the received bytes stay on the drive.
pub(crate) struct Batch {
    shared: Shared,
    settle: Settle<Booking>,
    /// Downloaded, not yet durable.
    group: Vec<(Task<Booking>, Downloaded)>,
    /// When the group is committed at the latest.
    due: Instant,
    /// Groups that are being committed, and tasks that are being settled, while others download.
    commits: JoinSet<()>,
}

impl Batch {
    pub(crate) fn new(shared: Shared, settle: Settle<Booking>) -> Self {
        Self { shared, settle, group: Vec::new(), due: Instant::now(), commits: JoinSet::new() }
    }

    /// Downloads all of it, and settles each task when its file is durable or has failed.
    pub(crate) async fn run(mut self, pending: Vec<Pending>) {
        let (fitting, others): (Vec<Pending>, Vec<Pending>) =
            pending.into_iter().partition(|(_, transfer)| transfer.fits);
        let mut downloads: JoinSet<Finished> =
            fitting.into_iter().map(|one| self.shared.clone().download(one)).collect();
        let mut others = others.into_iter();
        loop {
            if downloads.is_empty() {
                // There may be room after all: part of such a file may be on the drive already.
                // One at a time, since each reserves room before it is refused.
                let Some(other) = others.next() else { break };
                downloads.spawn(self.shared.clone().download(other));
            }
            tokio::select! {
                Some(ended) = downloads.join_next() => self.finished(resume_panic(ended)),
                () = sleep_until(self.due), if !self.group.is_empty() => self.flush(),
            }
        }
        self.flush();
        while let Some(committed) = self.commits.join_next().await {
            resume_panic(committed);
        }
    }

    fn finished(&mut self, (task, result): Finished) {
        match result {
            Ok(file) if file.received.size() >= ALONE_FROM_BYTES => self.commit(vec![(task, file)]),
            Ok(file) => {
                if self.group.is_empty() {
                    self.due = Instant::now() + LINGER;
                }
                self.group.push((task, file));
            }
            Err(outcome) => {
                let settle = self.settle.clone();
                self.commits.spawn(async move { settle.one(task, outcome).await });
            }
        }
    }

    fn flush(&mut self) {
        let group = std::mem::take(&mut self.group);
        if !group.is_empty() {
            self.commit(group);
        }
    }

    fn commit(&mut self, group: Vec<(Task<Booking>, Downloaded)>) {
        self.commits.spawn(commit_group(self.shared.drive.clone(), group, self.settle.clone()));
    }
}

/// A panic goes on to the runner, which records it; nothing here cancels a task.
fn resume_panic<T>(joined: Result<T, JoinError>) -> T {
    joined.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
