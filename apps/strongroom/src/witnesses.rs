//! The witnesses that cosign the log's checkpoints: who they are, as the log says, and asking them.
//!
//! Nothing waits for a witness: what is signed is kept and sent without its cosignature, and asked for again with the
//! next checkpoint.

mod answers;

use std::pin::Pin;
use std::time::Duration;

use futures_util::future::join_all;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::text::with_causes;
use strongroom_model::{Event, Expected, StreamName, Version};
use strongroom_notify::Cosign;
use strongroom_proof::merkle::Tree;
use strongroom_proof::{ParseKeyError, Signature, SignedCheckpoint, WitnessKey};
use strongroom_service::{Clock, Config};
use strongroom_witness::{WitnessClient, WitnessError};
use tokio::sync::Mutex;
use tokio::time::timeout;
use url::Url;

pub(crate) use self::answers::{Answer, answers};
use crate::cli_error::CliError;
use crate::out::tell;

/// As many as a note's readers must take signatures.
pub(crate) const MAX_WITNESSES: usize = 15;
/// For all witnesses together, since they are asked at the same time.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// A witness of this log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SiteWitness {
    pub(crate) key: WitnessKey,
    pub(crate) url: Url,
}

/// The witnesses that the log names.
#[derive(Debug, Default)]
pub(crate) struct Witnesses {
    pub(crate) all: Vec<SiteWitness>,
    version: Option<Version>,
}

impl Witnesses {
    /// What is not a witness's key and address is passed over: whoever can append can write anything.
    pub(crate) async fn read(log: &EventLog) -> Result<Self, LogError> {
        let mut witnesses = Self::default();
        for recorded in log.stream(&StreamName::log_key()).await? {
            witnesses.version = Some(recorded.version);
            match recorded.event {
                Event::WitnessAdded(data) => {
                    let (Ok(key), Ok(url)) = (data.key.parse::<WitnessKey>(), data.url.parse()) else { continue };
                    witnesses.all.retain(|one| one.key != key);
                    if witnesses.all.len() < MAX_WITNESSES {
                        witnesses.all.push(SiteWitness { key, url });
                    }
                }
                Event::WitnessRemoved(data) => witnesses.all.retain(|one| one.key.to_string() != data.key),
                _ => {}
            }
        }
        Ok(witnesses)
    }

    /// What the stream's next event expects.
    pub(crate) fn expected(&self) -> Expected {
        self.version.map_or(Expected::New, Expected::After)
    }
}

/// The public keys of witnesses as they were typed; a private one is not repeated.
pub(crate) fn witness_keys(texts: &[String]) -> Result<Vec<WitnessKey>, CliError> {
    let keys: Result<_, ParseKeyError> = texts.iter().map(|text| text.trim().parse()).collect();
    keys.map_err(|error| CliError::usage_error(error.to_string()))
}

/// Asks the witnesses.
#[derive(Debug)]
pub(crate) struct Cosigners {
    config: Config,
    log: EventLog,
    /// Kept from one checkpoint to the next: 64 MB for a million events, and empty where there is no witness.
    tree: Mutex<Tree>,
}

impl Cosigners {
    pub(crate) fn new(config: &Config, log: &EventLog) -> Self {
        Self { config: config.clone(), log: log.clone(), tree: Mutex::default() }
    }

    /// The checkpoint with the witnesses' cosignatures, and whether a witness refuses the log. Prints which witnesses did
    /// not cosign, and why.
    pub(crate) async fn cosigned_before_a_person(&self, signed: SignedCheckpoint) -> (SignedCheckpoint, bool) {
        let (cosigned, answers) = Box::pin(self.asked(signed)).await;
        for answer in &answers {
            if let Some((problem, _)) = &answer.problem {
                tell(format_args!("not cosigned by {}: {problem}", answer.name()));
            }
        }
        (cosigned, answers.iter().any(|answer| answer.is_refused))
    }

    /// An unsigned one is shown to nobody.
    async fn asked(&self, signed: SignedCheckpoint) -> (SignedCheckpoint, Vec<Answer>) {
        if signed.note().signatures.is_empty() {
            return (signed, Vec::new());
        }
        match self.cosignatures(&signed).await {
            Ok((cosignatures, answers)) => (cosignatures.into_iter().fold(signed, SignedCheckpoint::with), answers),
            Err(error) => {
                tracing::warn!(error = %with_causes(&error), "the log could not be read for its witnesses");
                (signed, Vec::new())
            }
        }
    }

    async fn cosignatures(&self, signed: &SignedCheckpoint) -> Result<(Vec<Signature>, Vec<Answer>), LogError> {
        let witnesses = Witnesses::read(&self.log).await?.all;
        if witnesses.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let head = signed.checkpoint().head;
        let mut tree = self.tree.lock().await;
        self.log.grow(&mut tree, head.size).await?;
        if tree.root(head.size) != Some(head.root) {
            // What was kept may be of a log that was replaced: it is read anew the next time.
            *tree = Tree::default();
            return Ok((Vec::new(), Vec::new()));
        }
        let ask = |witness: SiteWitness| {
            let tree = &*tree;
            async move {
                let asked = timeout(MAX_WAIT, cosignature(&witness, signed, tree)).await;
                (witness, asked.map_err(|_| "the witness does not answer in time".to_owned()))
            }
        };
        let asked = join_all(witnesses.into_iter().map(ask)).await;
        let (mut cosignatures, mut given) = (Vec::new(), Vec::new());
        for (witness, answer) in asked {
            let problem = match answer {
                Ok(Ok(cosignature)) => {
                    cosignatures.push(cosignature);
                    None
                }
                Ok(Err(error)) => Some((with_causes(&error), self.is_refusal(&error).await?)),
                Err(late) => Some((late, false)),
            };
            given.push(Answer::new(&witness.key, head.size, Clock::system().now(), problem));
        }
        answers::keep(&self.config, self.log.site(), given.clone()).await;
        Ok((cosignatures, given))
    }
}

impl Cosigners {
    /// Whether the witness says that the log is not what it was: another one, or without its newest events.
    async fn is_refusal(&self, error: &WitnessError) -> Result<bool, LogError> {
        Ok(match error {
            WitnessError::Rewritten { .. } => true,
            // Another process may have sent a later checkpoint meanwhile.
            WitnessError::Ahead { seen, .. } => self.log.head().await?.size < *seen,
            _ => false,
        })
    }
}

impl Cosign for Cosigners {
    fn cosigned(&self, signed: SignedCheckpoint) -> Pin<Box<dyn Future<Output = SignedCheckpoint> + Send + '_>> {
        Box::pin(async { self.asked(signed).await.0 })
    }
}

async fn cosignature(witness: &SiteWitness, signed: &SignedCheckpoint, tree: &Tree) -> Result<Signature, WitnessError> {
    WitnessClient::new(&witness.url)?.cosignature(&witness.url, &witness.key, signed, tree).await
}
