use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use askama::Template;
use jiff::Timestamp;
use strongroom_bus::{BatchLimits, Done, Failure, Fate, Settle, Stage, Task, TaskOutcome};
use strongroom_eventlog::EventLog;
use strongroom_model::alarm::Alarm;
use strongroom_model::event::{AlarmNotified, AlarmRaised, SummaryComposed, SummarySent};
use strongroom_model::text::with_causes;
use strongroom_model::{AlarmKind, Event, FailureKind, SiteId, StageName};
use strongroom_proof::{Checkpoint, SignedCheckpoint, SigningKey};
use strongroom_service::kill_point;
use tokio::time::Instant;

use crate::alarm::AlarmMail;
use crate::mail::{Mail, MailError, file_stem};
use crate::notice::Notice;
use crate::pace::MailPace;
use crate::post::{Delivery, PostError};
use crate::settings::Settings;
use crate::summary::report::{JobsAs, report};
use crate::summary::{ReportError, SummaryHtml, SummaryReport, SummaryText, SummaryView};

/// Alarms taken together share a mail, which counts those that it does not show.
const BATCH: usize = 512;

/// Sends mails; the crate's documentation has its promises.
#[derive(Debug, Clone)]
pub struct Notify {
    log: EventLog,
    settings: Settings,
    pace: Arc<Mutex<MailPace>>,
    key: Arc<Option<SigningKey>>,
    cosign: Option<Arc<dyn Cosign>>,
}

/// Has witnesses cosign the checkpoint that a mail has attached.
pub trait Cosign: fmt::Debug + Send + Sync {
    /// The checkpoint with what they gave, within some seconds: a witness that is away is left out.
    fn cosigned(&self, signed: SignedCheckpoint) -> Pin<Box<dyn Future<Output = SignedCheckpoint> + Send + '_>>;
}

/// Why a summary was not sent.
#[derive(Debug, thiserror::Error)]
enum SummaryError {
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error(transparent)]
    Post(#[from] PostError),
}

impl Stage for Notify {
    type State = Notice;

    fn name(&self) -> StageName {
        StageName::Notify
    }

    /// Alarms raised during a mail share the next one.
    fn limits(&self) -> BatchLimits {
        BatchLimits { tasks: BATCH, batches: 1 }
    }

    /// Always ready: a mail server's failure is recorded on the mail, which is retried. An alarm about it could not be
    /// sent.
    async fn ready(&self) -> Result<(), AlarmRaised> {
        Ok(())
    }

    async fn handle(&self, tasks: Vec<Task<Notice>>, settle: &Settle<Notice>) {
        let (mut alarms, mut summaries) = (Vec::new(), Vec::new());
        for task in tasks {
            match task.state.clone() {
                Notice::Alarm(alarm) if !alarm.pending.is_empty() => alarms.push((task, alarm)),
                Notice::Summary(summary) if summary.sent.is_none() => match summary.composed {
                    Some(composed) => summaries.push((task, composed)),
                    None => settle.one(task, TaskOutcome::Superseded).await,
                },
                _ => settle.one(task, TaskOutcome::Superseded).await,
            }
        }
        // Alarms first: they are urgent, and a summary may take a while.
        self.mail_alarms(alarms, settle).await;
        summaries.sort_by_key(|(_, composed)| composed.number);
        for (task, composed) in summaries {
            self.summarise(task, &composed, settle).await;
        }
    }
}

impl Notify {
    /// A stage for that log.
    pub fn new(log: EventLog, settings: Settings) -> Self {
        Self { log, settings, pace: Arc::default(), key: Arc::default(), cosign: None }
    }

    /// With the site's key: each summary's mail has the log's signed checkpoint attached.
    #[must_use]
    pub fn signed_by(self, key: Option<SigningKey>) -> Self {
        Self { key: Arc::new(key), ..self }
    }

    /// With the cosignatures of witnesses, where one gives them when the mail is sent.
    #[must_use]
    pub fn cosigned_by(self, cosign: Arc<dyn Cosign>) -> Self {
        Self { cosign: Some(cosign), ..self }
    }

    /// A summary's mail, the same each time it is made, except for cosignatures.
    pub async fn summary_mail(
        &self,
        composed: &SummaryComposed,
        at: Timestamp,
    ) -> Result<Mail, Box<dyn Error + Send + Sync>> {
        let report = report(&self.log, composed, &self.jobs_as(at)).await?;
        Ok(self.mail(&report)?)
    }

    /// One mail for all pending alarms; if some recipients have had one, another for the rest. Kinds with too many
    /// mails stay pending, and are delivered again.
    async fn mail_alarms(&self, alarms: Vec<(Task<Notice>, Alarm)>, settle: &Settle<Notice>) {
        let mut groups: BTreeMap<Vec<String>, Vec<(Task<Notice>, Alarm)>> = BTreeMap::new();
        let kinds: BTreeSet<AlarmKind> = alarms.iter().filter_map(|(_, alarm)| kind(alarm)).collect();
        let waiting = self.waiting(&kinds);
        for (task, alarm) in alarms {
            if kind(&alarm).is_some_and(|kind| waiting.contains(&kind)) {
                settle.one(task, TaskOutcome::Superseded).await;
            } else {
                groups.entry(alarm.reached.clone()).or_default().push((task, alarm));
            }
        }
        for (reached, alarms) in groups {
            self.mail_group(alarms, &reached, settle).await;
        }
    }

    fn waiting(&self, kinds: &BTreeSet<AlarmKind>) -> BTreeSet<AlarmKind> {
        let (pace, now) = (self.pace(), Instant::now());
        kinds.iter().copied().filter(|kind| !pace.allows(*kind, now)).collect()
    }

    fn pace(&self) -> MutexGuard<'_, MailPace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn mail_group(&self, alarms: Vec<(Task<Notice>, Alarm)>, reached: &[String], settle: &Settle<Notice>) {
        let Some(mail) = AlarmMail::of(self.log.site(), alarms.iter().map(|(_, alarm)| alarm)) else {
            return;
        };
        let sent = match mail.mail(&self.settings.zone) {
            Ok(mail) => send(&self.settings, &mail, reached).await.map(|delivery| (mail.message_id, delivery)),
            Err(error) => Err(error.into()),
        };
        if sent.is_ok() {
            let kinds: BTreeSet<AlarmKind> = alarms.iter().filter_map(|(_, alarm)| kind(alarm)).collect();
            self.pace().sent(&kinds, Instant::now());
        }
        let outcome = |alarm: &Alarm| match &sent {
            Ok((message_id, delivery)) => {
                settled(delivery, || Event::AlarmNotified(notified(alarm, message_id, delivery)))
            }
            Err(error) => failed(error),
        };
        let outcomes = alarms.into_iter().map(|(task, alarm)| (task, outcome(&alarm))).collect();
        settle.settle(outcomes).await;
    }

    /// If the log cannot be read, the task stays open and is delivered again: the mail is not at fault.
    async fn summarise(&self, task: Task<Notice>, composed: &SummaryComposed, settle: &Settle<Notice>) {
        let reached = match &task.state {
            Notice::Summary(summary) => summary.reached.clone(),
            Notice::Empty | Notice::Alarm(_) => Vec::new(),
        };
        let sent = match self.composed_at(&task).await {
            Ok(at) => self.send_summary(composed, at, &reached).await,
            Err(error) => Err(error.into()),
        };
        let outcome = match sent {
            Ok(delivery) => settled(&delivery, || {
                let (message_id, receipt) = (composed.message_id.clone(), delivery.record());
                Event::SummarySent(SummarySent { message_id, receipt })
            }),
            Err(SummaryError::Post(error)) => failed(&error),
            Err(SummaryError::Mail(error)) => failed(&error.into()),
            Err(SummaryError::Report(error)) => {
                tracing::warn!(
                    number = composed.number,
                    error = %with_causes(&error),
                    "the log cannot be read for the summary: trying again"
                );
                return;
            }
        };
        settle.one(task, outcome).await;
    }

    fn jobs_as(&self, at: Timestamp) -> JobsAs {
        JobsAs { at, grace: self.settings.job_grace, zone: self.settings.zone.clone() }
    }

    /// The time of its stream's first event.
    async fn composed_at(&self, task: &Task<Notice>) -> Result<Timestamp, ReportError> {
        let history = self.log.stream(&task.stream).await?;
        Ok(history.first().map_or(task.trigger.time, |first| first.time))
    }

    /// The log's size and root that the mail names, signed: the same at every attempt, as Ed25519 is deterministic.
    fn checkpoint(&self, report: &SummaryReport) -> Option<SignedCheckpoint> {
        let composed = &report.composed;
        let head = format!("{}:{}", composed.to, composed.root).parse().ok()?;
        let checkpoint = Checkpoint { site: self.log.site().clone(), head, summary: composed.number };
        Some(checkpoint.signed(self.key.as_ref().as_ref()?))
    }

    async fn send_summary(
        &self,
        composed: &SummaryComposed,
        at: Timestamp,
        reached: &[String],
    ) -> Result<Delivery, SummaryError> {
        let report = report(&self.log, composed, &self.jobs_as(at)).await?;
        let mut mail = self.mail(&report)?;
        if let (Some(cosign), Some(signed)) = (&self.cosign, self.checkpoint(&report)) {
            mail.checkpoint = Some(cosign.cosigned(signed).await.to_string());
        }
        Ok(send(&self.settings, &mail, reached).await?)
    }

    fn mail(&self, report: &SummaryReport) -> Result<Mail, MailError> {
        let view = SummaryView::of(report, &self.settings.zone, self.key.is_some());
        Ok(Mail {
            message_id: report.composed.message_id.clone(),
            file_stem: file_stem(&report.composed.message_id),
            date: report.composed_at,
            subject: view.subject.clone(),
            text: SummaryText { view: &view }.render()?,
            html: SummaryHtml { view: &view }.render()?,
            checkpoint: self.checkpoint(report).map(|signed| signed.to_string()),
        })
    }
}

/// Mails an alarm's pending changes without recording it, for a log that cannot or must not be appended to. Recipients
/// in `reached` have it. Returns what to record later, and who has the mail; `None` if nothing is pending.
///
/// # Errors
/// Nobody has it, or no reply says so.
pub async fn mail_unrecorded(
    settings: &Settings,
    site: &SiteId,
    alarm: &Alarm,
    reached: &[String],
) -> Result<Option<(AlarmNotified, Delivery)>, PostError> {
    let Some(mail) = AlarmMail::of(site, std::iter::once(alarm)) else { return Ok(None) };
    let mail = mail.mail(&settings.zone)?;
    let delivery = send(settings, &mail, reached).await?;
    Ok(Some((notified(alarm, &mail.message_id, &delivery), delivery)))
}

async fn send(settings: &Settings, mail: &Mail, reached: &[String]) -> Result<Delivery, PostError> {
    kill_point!("notify.before-send");
    let delivery = settings.post.send(mail, &settings.addresses, reached).await;
    // If we stop here, the mail is sent but not recorded: it is sent again with the same Message-ID, or replaces the
    // same file.
    kill_point!("notify.after-send");
    delivery
}

fn kind(alarm: &Alarm) -> Option<AlarmKind> {
    alarm.pending.first().map(|untold| untold.alarm().kind)
}

fn notified(alarm: &Alarm, message_id: &str, delivery: &Delivery) -> AlarmNotified {
    let about = alarm.pending.iter().map(|one| one.id).collect();
    AlarmNotified { about, message_id: message_id.to_owned(), receipt: delivery.record() }
}

/// Sent if every recipient is settled; otherwise a failure that names those who have it, so that the next attempt is
/// only for the others.
fn settled(delivery: &Delivery, sent: impl FnOnce() -> Event) -> TaskOutcome {
    if delivery.put_off.is_empty() {
        return TaskOutcome::Done(Done::event(sent()));
    }
    let reached = delivery.taken.iter().map(ToString::to_string).collect();
    let message = format!("{}; {}", delivery.receipt, delivery.not_reached());
    let failure = Failure::new(FailureKind::MailUnreachable, message, Fate::RetryForever);
    TaskOutcome::Failed(Failure { reached, ..failure })
}

/// Mails are retried for ever: nothing else reaches people. A recipient refused today is corrected in the configuration
/// tomorrow.
fn failed(error: &PostError) -> TaskOutcome {
    TaskOutcome::Failed(Failure::new(error.failure_kind(), error.to_string(), Fate::RetryForever))
}
