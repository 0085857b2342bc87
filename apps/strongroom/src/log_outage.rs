//! Mails that the log has been unreachable for long, although nothing can be recorded, and records the outage once
//! the log is back.
//!
//! The state is kept in the data folder, since the process that mails exits after a while without a log and is
//! restarted. If we stop after the mail and before the state is kept, the mail goes out again with the same Message-ID.
//! If we stop before the state is removed, the next process finds the outage in the log.

mod outage_file;
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

use self::outage_file::{MailedOutage, Outage, OutageFile};
use crate::cli_error::{CliError, ErrorContext as _};

const SUBJECT: &str = "log";
/// An outage shorter than this may go unnoticed: it holds up nothing.
const CHECK_EVERY: Duration = Duration::from_secs(2);
/// The log counts as unreachable if it does not say how long it is within this time.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// For the whole mail, to all recipients; a mail server that hangs must not stop the checks.
const MAIL_TIMEOUT: Duration = Duration::from_secs(120);
/// Mail servers refuse senders that try much more often.
const MAIL_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Checks that log until the handle is dropped.
pub(crate) fn watch(config: &Config, log: &EventLog, clock: &Clock) -> AbortOnDropHandle<()> {
    let (log, mut mailer) = (log.clone(), OutageMailer::new(config, clock));
    let checks = async move {
        loop {
            match reason_unwritable(&log).await {
                None => mailer.on_recovery(&log).await,
                Some(why) => mailer.on_outage(&why).await,
            }
            sleep(CHECK_EVERY).await;
        }
    };
    AbortOnDropHandle::new(tokio::spawn(checks))
}

/// For a log that could not even be opened.
pub(crate) async fn on_failed_open(config: &Config, why: &str) {
    OutageMailer::new(config, &Clock::system()).on_outage(why).await;
}

/// Why nothing can be recorded, as this process or another one of the site finds: the one that mails may have nothing
/// to record for hours.
async fn reason_unwritable(log: &EventLog) -> Option<String> {
    match timeout(HEAD_TIMEOUT, log.head()).await {
        Ok(Ok(_)) => {
            let own = log.unwritable()?.borrow().as_ref().map(|found| found.reason.clone());
            match own {
                Some(reason) => Some(reason),
                None => reported_by_another(log).await,
            }
        }
        Ok(Err(error)) => Some(CliError::from(error).sentence()),
        Err(_) => Some(format!("no answer within {} s", HEAD_TIMEOUT.as_secs())),
    }
}

async fn reported_by_another(log: &EventLog) -> Option<String> {
    let signs = timeout(HEAD_TIMEOUT, log.signs()).await.ok()?.ok()?;
    signs.into_iter().filter(Seen::is_alive).find_map(|seen| seen.sign.cannot_record)
}

struct OutageMailer {
    config: Arc<Config>,
    clock: Clock,
    file: Option<OutageFile>,
    mail_retry_at: Option<Instant>,
}

impl OutageMailer {
    fn new(config: &Config, clock: &Clock) -> Self {
        Self { config: Arc::new(config.clone()), clock: clock.clone(), file: None, mail_retry_at: None }
    }

    async fn file(&mut self) -> OutageFile {
        match self.file.take() {
            Some(file) => file,
            None => outage_file::read(&self.config).await,
        }
    }

    async fn on_outage(&mut self, why: &str) {
        let mut file = self.file().await;
        let now = self.clock.now();
        let is_new = file.outage.is_none();
        let outage = file.outage.get_or_insert(Outage { since: now, why: String::new(), told: None });
        why.clone_into(&mut outage.why);
        // The clock may have been set back since.
        outage.since = outage.since.min(now);
        if is_new {
            tracing::warn!(why, "nothing can be recorded in the log");
            outage_file::keep(&self.config, &file).await;
        }
        if let Err(error) = self.mail_if_due(&mut file, why, now).await {
            tracing::error!(
                reason = error.sentence(),
                "the mail about the unreachable log was not sent: trying again in a minute"
            );
            self.mail_retry_at = Some(Instant::now() + MAIL_RETRY_AFTER);
        }
        self.file = Some(file);
    }

    async fn mail_if_due(&self, file: &mut OutageFile, why: &str, now: Timestamp) -> Result<(), CliError> {
        let may_mail = pace::may_mail_now(file, now);
        let Some(outage) = &mut file.outage else { return Ok(()) };
        let is_mailed = outage.told.as_ref().is_some_and(|told| told.is_complete);
        let is_rate_limited = outage.told.is_none() && !may_mail;
        let is_backing_off = self.mail_retry_at.is_some_and(|at| Instant::now() < at);
        if is_mailed || is_rate_limited || is_backing_off || !pace::is_long(outage.since, now, self.mail_after()) {
            return Ok(());
        }
        let alarm = || alarm(&self.config, outage.since, why);
        let told = match outage.told.take() {
            Some(told) => told,
            None => MailedOutage::of(EventId::new(now), now, alarm()?),
        };
        outage.told = Some(told.clone());
        // Kept first: the next attempt sends the same mail.
        outage_file::keep(&self.config, file).await;
        let told = self.mail(told).await?;
        kill_point!("away.after-mail");
        pace::sent(file, now);
        file.outage.iter_mut().for_each(|outage| outage.told = Some(told.clone()));
        outage_file::keep(&self.config, file).await;
        Ok(())
    }

    async fn mail(&self, mut told: MailedOutage) -> Result<MailedOutage, CliError> {
        let untold = PendingChange { id: told.raised, time: told.at, change: Change::Raised(told.alarm.clone()) };
        let alarm = Alarm { pending: vec![untold], ..Alarm::default() };
        let settings = Settings::from_config(&self.config)?;
        let sending = mail_unrecorded(&settings, &self.config.site, &alarm, &told.reached);
        let sent = timeout(MAIL_TIMEOUT, sending).await.context("the mail server takes too long")?;
        let Some((notified, delivery)) = sent.context("the mail was not handed over")? else { return Ok(told) };
        told.reached.extend(delivery.taken.iter().map(ToString::to_string));
        told.notified = Some(notified);
        told.is_complete = delivery.put_off.is_empty();
        Ok(told)
    }

    fn mail_after(&self) -> SignedDuration {
        SignedDuration::try_from(self.config.watch.log_away_after.get()).unwrap_or(SignedDuration::MAX)
    }

    /// Records a long outage. If no mail about it went out, or it is unknown, one goes out now.
    async fn on_recovery(&mut self, log: &EventLog) {
        let mut file = self.file().await;
        if file.outage.is_some() {
            match self.record(&mut file, log).await {
                Ok(()) => {
                    tracing::info!("the log can be written again");
                    file.outage = None;
                    self.mail_retry_at = None;
                    outage_file::keep(&self.config, &file).await;
                }
                Err(error) => {
                    tracing::warn!(reason = error.sentence(), "the outage of the log was not recorded: trying again");
                }
            }
        }
        self.file = Some(file);
    }

    async fn record(&self, file: &mut OutageFile, log: &EventLog) -> Result<(), CliError> {
        let now = self.clock.now();
        let Some(outage) = &mut file.outage else { return Ok(()) };
        let told = match &outage.told {
            Some(told) => told.clone(),
            None if !pace::is_long(outage.since, now, self.mail_after()) => return Ok(()),
            None => {
                let told = MailedOutage::of(EventId::new(now), now, alarm(&self.config, outage.since, &outage.why)?);
                outage.told = Some(told.clone());
                // If we stop after this, the next process records the same event, or finds it recorded.
                outage_file::keep(&self.config, file).await;
                told
            }
        };
        let since = file.outage.as_ref().map_or(now, |outage| outage.since);
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
