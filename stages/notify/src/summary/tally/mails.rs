//! Mails: what earlier summaries and alarms came to.

use strongroom_model::{Event, Recorded};

use super::Bounded;

/// Mails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mails {
    /// Summaries whose interval was fixed.
    pub composed: u64,
    /// Summaries that were handed over: the stream's id and the receipt.
    pub sent: Bounded<(String, String)>,
    /// Alarms' beginnings and ends that somebody was told of.
    pub told: u64,
    /// Attempts to hand over a mail that failed.
    pub failed_attempts: u64,
}

impl Mails {
    pub(super) fn add(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::SummaryComposed(_) => self.composed += 1,
            Event::SummarySent(data) => self.sent.push((recorded.stream.id().to_owned(), data.receipt.clone())),
            Event::AlarmNotified(data) => self.told += data.about.len() as u64,
            Event::AlarmFailed(_) | Event::SummaryFailed(_) => self.failed_attempts += 1,
            _ => {}
        }
    }
}
