//! Which processes are alive, and which are missing.

use strongroom_audit::Process;
use strongroom_eventlog::EventLog;
use strongroom_model::presence::{Missing, active_relays, missing, several};
use strongroom_service::{Clock, Config};

use super::backlog::Backlog;
use crate::cli_error::{CliError, ErrorContext as _};

/// How many pages of each stage's work that is bound to a drive or host are searched: 20,000 pieces of work.
const PAGES: usize = 40;

#[derive(Debug)]
pub(crate) struct Present {
    pub(crate) processes: Vec<Process>,
    pub(crate) missing: Vec<Missing>,
    /// That several relays publish at once, where it is so.
    pub(crate) remark: Option<String>,
}

impl Present {
    pub(crate) async fn look(config: &Config, log: &EventLog, clock: &Clock) -> Result<Self, CliError> {
        let relayed = config.broker.address()?.is_some();
        let now = clock.now();
        let signs = log.signs().await.context("the signs of life of the site's processes cannot be read")?;
        let work = if relayed { Backlog::default().look(log, now, PAGES).await? } else { Vec::new() };
        let remark = several(&active_relays(&signs)).map(|several| {
            format!(
                "{several}; each message goes out as often: let the relay's user configure on the broker, or run one"
            )
        });
        Ok(Self {
            missing: missing(&signs, &work, relayed, now),
            remark,
            processes: signs.into_iter().map(|seen| Process::of(seen, now)).collect(),
        })
    }
}
