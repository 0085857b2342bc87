//! A log that is away for long: the process that mails says so by mail although nothing can be recorded, and records
//! it once the log is back.
//!
//! What is known is kept in the data folder, since that process exits after a while without a log and is restarted.
//! If we stop after the mail and before that is kept, the mail goes out again with the same Message-ID; if we stop
//! before the record is forgotten, the log is found to have it.

mod kept;
mod pace;
mod record;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use strongroom_eventlog::EventLog;
use strongroom_model::alarm::{Alarm, Change, PendingChange};
use strongroom_model::event::AlarmRaised;
use strongroom_model::presence::Seen;
use strongroom_model::text::shown;
use strongroom_model::{AlarmKind, EventId};
use strongroom_notify::{Settings, mail_unrecorded};
use strongroom_service::{Clock, Config, kill_point};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use self::kept::{MailedOutage, Outage, OutageFile};
use crate::cli_error::{CliError, ErrorContext as _};

const SUBJECT: &str = "log";
const LOOK: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(5);
const MAX_MAIL: Duration = Duration::from_secs(120);
const AGAIN: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Away {
    _task: AbortOnDropHandle<()>,
}

impl Away {
    /// Looks at that log from now on.
    pub(crate) fn watch(config: &Config, log: &EventLog, clock: &Clock) -> Self {
        let (log, mut watch) = (log.clone(), OutageWatch::new(config, clock));
        let looking = async move {
            loop {
                match trouble(&log).await {
                    None => watch.back(&log).await,
                    Some(why) => watch.met(&why).await,
                }
                sleep(LOOK).await;
            }
        };
        Self { _task: AbortOnDropHandle::new(tokio::spawn(looking)) }
    }
}

/// The log could not even be opened.
pub(crate) async fn met_at_the_start(config: &Config, why: &str) {
    OutageWatch::new(config, &Clock::system()).met(why).await;
}

/// Why nothing can be recorded, as this process or another one of the site finds: the one that mails may have nothing
/// to record for hours.
async fn trouble(log: &EventLog) -> Option<String> {
    match timeout(ANSWER, log.head()).await {
        Ok(Ok(_)) => {
            let own = log.unwritable()?.borrow().as_ref().map(|found| found.reason.clone());
            match own {
                Some(reason) => Some(reason),
                None => of_another(log).await,
            }
        }
        Ok(Err(error)) => Some(CliError::from(error).sentence()),
        Err(_) => Some(format!("no answer within {} s", ANSWER.as_secs())),
    }
}

async fn of_another(log: &EventLog) -> Option<String> {
    let signs = timeout(ANSWER, log.signs()).await.ok()?.ok()?;
    signs.into_iter().filter(Seen::is_alive).find_map(|seen| seen.sign.cannot_record)
}

struct OutageWatch {
    config: Arc<Config>,
    clock: Clock,
    kept: Option<OutageFile>,
    again_at: Option<Instant>,
}

impl OutageWatch {
    fn new(config: &Config, clock: &Clock) -> Self {
        Self { config: Arc::new(config.clone()), clock: clock.clone(), kept: None, again_at: None }
    }

    async fn kept(&mut self) -> OutageFile {
        match self.kept.take() {
            Some(kept) => kept,
            None => kept::read(&self.config).await,
        }
    }

    /// The log is not there.
    async fn met(&mut self, why: &str) {
        let mut kept = self.kept().await;
        let now = self.clock.now();
        let is_new = kept.outage.is_none();
        let outage = kept.outage.get_or_insert(Outage { since: now, why: String::new(), told: None });
        why.clone_into(&mut outage.why);
        // The clock may have been set back since.
        outage.since = outage.since.min(now);
        if is_new {
            tracing::warn!(why, "nothing can be recorded in the log");
            kept::keep(&self.config, &kept).await;
        }
        if let Err(trouble) = self.tell(&mut kept, why, now).await {
            tracing::error!(
                reason = trouble.sentence(),
                "the mail about the unreachable log was not sent: trying again"
            );
            self.again_at = Some(Instant::now() + AGAIN);
        }
        self.kept = Some(kept);
    }

    async fn tell(&self, kept: &mut OutageFile, why: &str, now: Timestamp) -> Result<(), CliError> {
        let allowed = pace::allows(kept, now);
        let Some(outage) = &mut kept.outage else { return Ok(()) };
        let is_told = outage.told.as_ref().is_some_and(|told| told.is_complete);
        let is_soon = outage.told.is_none() && !allowed;
        let is_put_off = self.again_at.is_some_and(|at| Instant::now() < at);
        if is_told || is_soon || is_put_off || !pace::is_long(outage.since, now, self.after()) {
            return Ok(());
        }
        let alarm = || alarm(&self.config, outage.since, why);
        let told = match outage.told.take() {
            Some(told) => told,
            None => MailedOutage::of(EventId::new(now), now, alarm()?),
        };
        outage.told = Some(told.clone());
        // Kept first: the next attempt sends the same mail.
        kept::keep(&self.config, kept).await;
        let told = self.mail(told).await?;
        kill_point!("away.after-mail");
        pace::sent(kept, now);
        kept.outage.iter_mut().for_each(|outage| outage.told = Some(told.clone()));
        kept::keep(&self.config, kept).await;
        Ok(())
    }

    async fn mail(&self, mut told: MailedOutage) -> Result<MailedOutage, CliError> {
        let untold = PendingChange { id: told.raised, time: told.at, change: Change::Raised(told.alarm.clone()) };
        let alarm = Alarm { pending: vec![untold], ..Alarm::default() };
        let settings = Settings::from_config(&self.config)?;
        let sending = mail_unrecorded(&settings, &self.config.site, &alarm, &told.reached);
        let sent = timeout(MAX_MAIL, sending).await.context("the mail server takes too long")?;
        let Some((notified, delivery)) = sent.context("the mail was not handed over")? else { return Ok(told) };
        told.reached.extend(delivery.taken.iter().map(ToString::to_string));
        told.notified = Some(notified);
        told.is_complete = delivery.put_off.is_empty();
        Ok(told)
    }

    fn after(&self) -> SignedDuration {
        SignedDuration::try_from(self.config.watch.log_away_after.get()).unwrap_or(SignedDuration::MAX)
    }

    /// Records a long outage. If no mail about it went out, or it is unknown, one goes out now.
    async fn back(&mut self, log: &EventLog) {
        let mut kept = self.kept().await;
        if kept.outage.is_some() {
            match self.record(&mut kept, log).await {
                Ok(()) => {
                    tracing::info!("the log can be written again");
                    kept.outage = None;
                    self.again_at = None;
                    kept::keep(&self.config, &kept).await;
                }
                Err(trouble) => {
                    tracing::warn!(reason = trouble.sentence(), "the outage of the log was not recorded");
                }
            }
        }
        self.kept = Some(kept);
    }

    async fn record(&self, kept: &mut OutageFile, log: &EventLog) -> Result<(), CliError> {
        let now = self.clock.now();
        let Some(outage) = &mut kept.outage else { return Ok(()) };
        let told = match &outage.told {
            Some(told) => told.clone(),
            None if !pace::is_long(outage.since, now, self.after()) => return Ok(()),
            None => {
                let told = MailedOutage::of(EventId::new(now), now, alarm(&self.config, outage.since, &outage.why)?);
                outage.told = Some(told.clone());
                // If we stop after this, the next process records the same event, or finds it recorded.
                kept::keep(&self.config, kept).await;
                told
            }
        };
        let since = kept.outage.as_ref().map_or(now, |outage| outage.since);
        record::record(log, &self.clock, &told, since, &self.config.zone()).await
    }
}

fn alarm(config: &Config, since: Timestamp, why: &str) -> Result<AlarmRaised, CliError> {
    let database = config.log.database()?;
    let place = database.as_ref().map_or_else(|| config.log_path().display().to_string(), ToString::to_string);
    let next_step = if database.is_some() {
        "see that Postgres runs and has room, and that this host reaches it (`strongroom doctor`)"
    } else {
        "see that its disk is there and has room (`strongroom doctor`)"
    };
    Ok(AlarmRaised {
        kind: AlarmKind::LogUnreachable,
        subject: SUBJECT.to_owned(),
        message: format!("nothing can be recorded in the log at {place} since {}: {why}", shown(since, &config.zone())),
        next_step: next_step.to_owned(),
    })
}
