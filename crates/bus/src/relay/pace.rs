//! How often the relay does what, and how long it waits for others.

use std::time::Duration;

/// The relay's intervals, on the host's monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayPace {
    /// How often the log is asked what other processes appended, and what is due.
    pub poll: Duration,
    /// How often a full queue is asked whether it has room.
    pub room: Duration,
    /// How often every queue is looked at: whether it is there, how much it holds, who takes
    /// from it.
    pub look: Duration,
    /// How often what was published is compared with the log: what is done is forgotten, and
    /// what got lost is published again.
    pub sweep: Duration,
    /// How often all that is pending is looked at again from the log's first position on: the safety
    /// net below the cursors. A million pending events are half a minute of reading.
    pub rescan: Duration,
    /// How long after it was published something that is still pending, and not in its queue,
    /// counts as lost. Longer than a stage works without a word (`hold_after`).
    pub republish_after: Duration,
    /// How long after a lost connection was made again the broker's word is in doubt: its nodes may
    /// still be finding out which of them is gone.
    pub settles: Duration,
    /// The same as `republish_after`, for what was published while the broker's word was in doubt.
    pub doubt: Duration,
    /// How long one queue may take for an answer before it counts as stuck and the others go on. A
    /// broker that says that it is short of memory is waited for, whatever that takes.
    pub answer: Duration,
    /// How long a queue that was stuck is left alone.
    pub stuck: Duration,
    /// How often a relay that is not the active one tries to be.
    pub standby: Duration,
    /// How long the broker may be unreachable, or take nothing, before a person is told. A
    /// restart takes less.
    pub unreachable_after: Duration,
    /// How long it waits before it connects again, at first; it doubles, with full jitter.
    pub reconnect_min: Duration,
    /// How long at most.
    pub reconnect_max: Duration,
}

impl Default for RelayPace {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(250),
            room: Duration::from_millis(50),
            look: Duration::from_secs(5),
            sweep: Duration::from_secs(30),
            rescan: Duration::from_secs(10 * 60),
            republish_after: Duration::from_secs(15 * 60),
            settles: Duration::from_secs(60),
            doubt: Duration::from_secs(60),
            answer: Duration::from_secs(10),
            stuck: Duration::from_secs(60),
            // The broker logs each of these attempts.
            standby: Duration::from_secs(5),
            unreachable_after: Duration::from_secs(30),
            reconnect_min: Duration::from_millis(100),
            reconnect_max: Duration::from_secs(30),
        }
    }
}
