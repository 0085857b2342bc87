use std::time::Duration;

/// The relay's intervals, on the host's monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayPace {
    /// How often the log is polled.
    pub poll: Duration,
    /// How often a full queue is queried.
    pub room: Duration,
    /// How often every queue is inspected: existence, depth, consumers.
    pub inspect: Duration,
    /// How often what was published is compared with the log, to forget what is done and publish again what is lost.
    pub sweep: Duration,
    /// How often all that is pending is read again: the cursors' backstop. A million events take half a minute.
    pub rescan: Duration,
    /// When what is still pending, and not in its queue, counts as lost. Longer than work goes without a lease
    /// (`lease_after`).
    pub republish_after: Duration,
    /// How long confirmations are in doubt after a reconnection: the broker's nodes may not agree yet which one is
    /// gone.
    pub settles: Duration,
    /// `republish_after` for what was published in doubt.
    pub doubt: Duration,
    /// How long a queue may take to answer before it counts as stuck.
    pub answer: Duration,
    /// How long a stuck queue is left alone.
    pub stuck: Duration,
    /// How often a standby relay tries to become active.
    pub standby: Duration,
    /// How long the broker may take nothing before the alarm; longer than a restart.
    pub unreachable_after: Duration,
    /// The first delay before reconnecting; it doubles, with full jitter.
    pub reconnect_min: Duration,
    /// The longest delay before reconnecting.
    pub reconnect_max: Duration,
}

impl Default for RelayPace {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(250),
            room: Duration::from_millis(50),
            inspect: Duration::from_secs(5),
            sweep: Duration::from_secs(30),
            rescan: Duration::from_secs(10 * 60),
            republish_after: Duration::from_secs(15 * 60),
            settles: Duration::from_secs(60),
            doubt: Duration::from_secs(60),
            answer: Duration::from_secs(10),
            stuck: Duration::from_secs(60),
            // The broker logs each attempt.
            standby: Duration::from_secs(5),
            unreachable_after: Duration::from_secs(30),
            reconnect_min: Duration::from_millis(100),
            reconnect_max: Duration::from_secs(30),
        }
    }
}
