use strongroom_model::{Event, Recorded};

use super::Bounded;

/// Earlier mails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mails {
    /// Summaries that were composed.
    pub composed: u64,
    /// Summaries that were sent: stream id and receipt.
    pub sent: Bounded<(String, String)>,
    /// Alarm changes that were mailed.
    pub changes_mailed: u64,
    /// Failed attempts to send a mail.
    pub failed_attempts: u64,
}

impl Mails {
    pub(super) fn add(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::SummaryComposed(_) => self.composed += 1,
            Event::SummarySent(data) => self.sent.push((recorded.stream.id().to_owned(), data.receipt.clone())),
            Event::AlarmNotified(data) => self.changes_mailed += data.about.len() as u64,
            Event::AlarmFailed(_) | Event::SummaryFailed(_) => self.failed_attempts += 1,
            _ => {}
        }
    }
}
