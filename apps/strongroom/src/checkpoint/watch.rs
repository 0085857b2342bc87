//! Keeps checkpoints while a process runs, and notices a log that was rewound under it.

use std::sync::Arc;
use std::time::Duration;

use strongroom_eventlog::{Comparison, EventLog, LogError};
use strongroom_model::Position;
use strongroom_model::text::with_causes;
use strongroom_notify::Cosign as _;
use strongroom_proof::{Checkpoint, SigningKey};
use strongroom_service::{Config, blocking};
use tokio::sync::{Mutex, OnceCell, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use super::{Mails, Rewound, found_by_another, keep, key_if_any, mail, now, places_to_write, raise, signed};
use crate::cli_error::CliError;
use crate::witnesses::Cosigners;

/// How often the log is compared with its last known state.
const CHECK_EVERY: Duration = Duration::from_secs(2);
/// How often a checkpoint is written while something happens. Each is two syncs on the drive.
const WRITE_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct RewindWatch {
    rewound: watch::Receiver<Option<Arc<Rewound>>>,
    keeper: Keeper,
    mails: Mails,
    task: AbortHandle,
}

impl RewindWatch {
    /// Begins to watch a log that was found to go on from every checkpoint.
    pub(crate) fn start(config: &Config, log: &EventLog, mails: Mails) -> Self {
        let (sender, rewound) = watch::channel(None);
        let config = Arc::new(config.clone());
        let cosigners = Arc::new(Cosigners::new(&config, log));
        let keeper = Keeper { config, log: log.clone(), key: Arc::default(), cosigners, busy: Arc::default() };
        let watcher = RewindWatcher { keeper: keeper.clone(), seen: None, written_at: None };
        let task = tokio::spawn(async move {
            let rewound = watcher.until_rewound().await;
            tracing::error!("{}", rewound.sentence);
            sender.send_replace(Some(Arc::new(rewound)));
        });
        Self { rewound, keeper, mails, task: task.abort_handle() }
    }

    pub(crate) fn rewound(&self) -> impl Future<Output = CliError> + use<> {
        let mut rewound = self.rewound.clone();
        async move {
            match rewound.wait_for(Option::is_some).await.ok().and_then(|found| found.clone()) {
                Some(found) => found.to_error(),
                None => std::future::pending().await,
            }
        }
    }

    /// Stops, and keeps how the log ends. The alarm about one that was rewound is mailed here, when the stages have
    /// ended: the one that mails may have done so, and recorded it.
    pub(crate) async fn close(self) {
        self.task.abort();
        let is_rewound = self.rewound.borrow().is_some();
        if is_rewound && self.mails == Mails::Here {
            mail(&self.keeper.config, &self.keeper.log).await;
        } else if !is_rewound && let Ok(checkpoint) = now(&self.keeper.log).await {
            // One that is being kept is older, and ends soon.
            let _busy = self.keeper.busy.lock().await;
            Box::pin(self.keeper.keep(checkpoint)).await;
        }
    }
}

struct RewindWatcher {
    keeper: Keeper,
    /// The newest state that was seen, and its last leaf.
    seen: Option<(Checkpoint, Option<[u8; 32]>)>,
    written_at: Option<Instant>,
}

impl RewindWatcher {
    async fn until_rewound(mut self) -> Rewound {
        loop {
            match self.check_once().await {
                Ok(Some(rewound)) => {
                    if let Err(error) = raise(&self.keeper.log, &rewound).await {
                        tracing::warn!(error = %with_causes(&error), "the alarm that the log was rewound could not be recorded: this process ends with that error");
                    }
                    return rewound;
                }
                // Whoever needs the log reports what is wrong with it.
                Ok(None) | Err(_) => sleep(CHECK_EVERY).await,
            }
        }
    }

    async fn check_once(&mut self) -> Result<Option<Rewound>, LogError> {
        let checkpoint = now(&self.keeper.log).await?;
        if let Some((seen, leaf)) = &self.seen {
            let comparison = if checkpoint.head.size < seen.head.size {
                Comparison::Shorter(checkpoint.head.size)
            } else if self.leaf(seen.head.size).await? != *leaf {
                // It was shorter in between, and grew again. Ids are random, so no leaf comes twice.
                Comparison::Differs
            } else {
                Comparison::Continues
            };
            if let Some(rewound) = Rewound::from(comparison, seen, &"this process") {
                return Ok(Some(rewound));
            }
        }
        let is_new = self.seen.as_ref().is_none_or(|(seen, _)| *seen != checkpoint);
        if is_new && let Some(rewound) = found_by_another(&self.keeper.log).await? {
            return Ok(Some(rewound));
        }
        if is_new && self.written_at.is_none_or(|at| at.elapsed() >= WRITE_EVERY) {
            self.keeper.keep_meanwhile(checkpoint.clone());
            self.written_at = Some(Instant::now());
        }
        let leaf = self.leaf(checkpoint.head.size).await?;
        self.seen = Some((checkpoint, leaf));
        Ok(None)
    }

    /// The hash of the last leaf of the first `size` events.
    async fn leaf(&self, size: u64) -> Result<Option<[u8; 32]>, LogError> {
        let Some(last) = size.checked_sub(1) else { return Ok(None) };
        Ok(self.keeper.log.read(Position(last), 1).await?.first().map(|stored| stored.leaf_hash))
    }
}

/// What keeps checkpoints.
#[derive(Debug, Clone)]
struct Keeper {
    config: Arc<Config>,
    log: EventLog,
    /// Read once, when the first checkpoint is kept.
    key: Arc<OnceCell<Option<SigningKey>>>,
    cosigners: Arc<Cosigners>,
    /// Held while one is kept.
    busy: Arc<Mutex<()>>,
}

impl Keeper {
    /// Writes a checkpoint wherever one is kept, then has witnesses cosign it: they take some seconds at most, even if
    /// they are away.
    async fn keep(&self, checkpoint: Checkpoint) {
        let places = places_to_write(&self.config, &self.log).await;
        let key = self.key.get_or_init(|| key_if_any(&self.config, &self.log)).await;
        let signed = signed(checkpoint, key.as_ref());
        let (here, kept) = (places.clone(), signed.clone());
        blocking(move || keep(&here, &kept)).await;
        // If we stop here, or no witness answers, the checkpoint is kept without cosignatures.
        let cosigned = self.cosigners.cosigned(signed.clone()).await;
        if cosigned != signed {
            blocking(move || keep(&places, &cosigned)).await;
        }
    }

    /// As [`Keeper::keep`], without waiting. One that is still being kept is enough.
    fn keep_meanwhile(&self, checkpoint: Checkpoint) {
        if let Ok(busy) = self.busy.clone().try_lock_owned() {
            let keeper = self.clone();
            tokio::spawn(async move {
                keeper.keep(checkpoint).await;
                drop(busy);
            });
        }
    }
}
