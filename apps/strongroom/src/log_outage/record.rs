//! Records an outage of the log when it is over: the alarm, that it was mailed, and its end.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use strongroom_eventlog::EventLog;
use strongroom_model::event::{AlarmCleared, AlarmKey};
use strongroom_model::text::shown;
use strongroom_model::{Event, EventId, Expected, NewEvent, StageName, StreamName};
use strongroom_service::{Clock, actor};

use super::outage_file::MailedOutage;
use crate::cli_error::CliError;

/// In one append: the alarm is never left raised. If it was recorded before, nothing is.
pub(super) async fn record(
    log: &EventLog,
    clock: &Clock,
    told: &MailedOutage,
    since: Timestamp,
    zone: &TimeZone,
) -> Result<(), CliError> {
    let stream = StreamName::alarm(&AlarmKey::new(told.alarm.kind, &told.alarm.subject));
    let history = log.stream(&stream).await?;
    if history.iter().any(|event| event.id == told.raised) {
        return Ok(());
    }
    let now = clock.now();
    let over = format!(
        "the log is there again; nothing could be recorded from {} to {}",
        shown(since, zone),
        shown(now, zone)
    );
    // Those who do not have the mail get it now, with its end.
    let notified = told.notified.clone().filter(|_| told.is_complete).map(Event::AlarmNotified);
    let mut expected = history.last().map_or(Expected::New, |last| Expected::After(last.version));
    let mut events = Vec::new();
    for event in [
        Some(Event::AlarmRaised(told.alarm.clone())),
        notified,
        Some(Event::AlarmCleared(AlarmCleared { message: over })),
    ] {
        let Some(event) = event else { continue };
        let (id, time) = if events.is_empty() { (told.raised, told.at) } else { (EventId::new(now), now) };
        let actor = actor(StageName::Notify);
        events.push(NewEvent { id, stream: stream.clone(), expected, time, actor, cause: None, run: None, event });
        expected = Expected::After(expected.next());
    }
    log.append(events).await?;
    Ok(())
}
