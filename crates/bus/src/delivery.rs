//! How the log's pending work reaches the stages of a process.

use strongroom_model::Recorded;

use crate::broker::Broker;
use crate::claims::Claim;

/// The way that pending work comes by. It changes nothing of what is done: the log is the
/// truth, and either way may bring an event twice, late or out of order.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// Each stage reads the log itself: all stages run in this process, or few in others.
    InProcess,
    /// A relay reads the log and publishes; each stage takes from its queue.
    Broker(Broker),
}

/// An event handed to a stage. Dropped without a word, it is handed over again.
#[derive(Debug)]
pub(crate) struct ClaimedEvent {
    /// What is said to be the stream's last event. By a broker that is only a hint: the log's own
    /// is looked up before anything is done.
    pub(crate) trigger: Recorded,
    /// The stream is in hand for as long as this lives.
    pub(crate) claim: Claim,
}
