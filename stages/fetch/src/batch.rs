use std::time::Duration;

use strongroom_bus::{Settle, Task};
use strongroom_model::booking::Booking;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::download::{FetchContext, Finished};
use crate::group::{ALONE_FROM_BYTES, commit_group};
use crate::transfer::{Downloaded, Pending};

/// How long finished files wait to share a sync: a slow file must not delay their durability.
const LINGER: Duration = Duration::from_secs(1);

/// A batch in flight. Dropped, its downloads stop; received bytes stay on the drive.
pub(crate) struct FetchBatch {
    shared: FetchContext,
    settle: Settle<Booking>,
    /// Downloaded, not yet durable.
    group: Vec<(Task<Booking>, Downloaded)>,
    /// When the group is committed at the latest.
    due: Instant,
    /// Commits and settlements, concurrent with downloads.
    commits: JoinSet<()>,
}

impl FetchBatch {
    pub(crate) fn new(shared: FetchContext, settle: Settle<Booking>) -> Self {
        Self { shared, settle, group: Vec::new(), due: Instant::now(), commits: JoinSet::new() }
    }

    pub(crate) async fn run(mut self, pending: Vec<Pending>) {
        let (fitting, others): (Vec<Pending>, Vec<Pending>) =
            pending.into_iter().partition(|(_, transfer)| transfer.fits);
        let mut downloads: JoinSet<Finished> =
            fitting.into_iter().map(|one| self.shared.clone().download(one)).collect();
        let mut others = others.into_iter();
        loop {
            if downloads.is_empty() {
                // It may fit after all, if part of it is on the drive. One at a time, since each reserves room before
                // it is refused.
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

/// Tasks are never cancelled, so an error is a panic, which the runner records.
fn resume_panic<T>(joined: Result<T, JoinError>) -> T {
    joined.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
