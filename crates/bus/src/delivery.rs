use strongroom_model::Recorded;

use crate::broker::Broker;
use crate::claims::Claim;

/// How pending work reaches a stage. Either way may bring an event twice, late or out of order.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// Each stage reads the log itself.
    InProcess,
    /// A relay publishes what is pending; each stage consumes its queue.
    Broker(Broker),
}

/// An event on its way to a stage. Dropped, it is delivered again.
#[derive(Debug)]
pub(crate) struct ClaimedEvent {
    /// By a broker this is only a hint: the log's own event is looked up before anything is done.
    pub(crate) trigger: Recorded,
    pub(crate) claim: Claim,
}
