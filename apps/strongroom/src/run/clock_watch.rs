//! Whether this host's clock can be right: compared with the log and with the document server.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use strongroom_bus::Alarms;
use strongroom_eventlog::EventLog;
use strongroom_model::event::{AlarmKey, AlarmRaised};
use strongroom_model::text::shown;
use strongroom_model::{Actor, AlarmKind, Event, Position, StreamName};
use strongroom_service::actor::host_name;
use strongroom_service::clock::Gaps;
use strongroom_service::{Clock, MAX_SKEW};
use strongroom_source::Source;
use tokio::time::Instant;

use crate::cli_error::CliError;
use crate::process::Process;
/// How often it is looked at: each look costs the server a request.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// How often, while it is wrong: whoever sets it right should see that it is over.
const LOOK_WHILE_WRONG: Duration = Duration::from_secs(15);

/// Looks at the clock now and then, and whenever it was set or the host slept.
pub(crate) struct ClockWatch {
    log: EventLog,
    clock: Clock,
    actor: Actor,
    alarms: Alarms,
    source: Option<Source>,
    zone: TimeZone,
    gaps: Gaps,
    look_at: Instant,
}

enum ServerClock {
    Agrees,
    Differs(String),
    /// There is none here, it does not answer, or it gives no time.
    Nothing,
}

impl ClockWatch {
    /// In `actor`'s name; without a source only the log is compared with.
    pub(crate) fn of(process: &Process, actor: &Actor, source: Option<Source>) -> Self {
        Self { zone: process.config.zone(), ..Self::new(&process.log, &process.clock, actor, source) }
    }

    fn new(log: &EventLog, clock: &Clock, actor: &Actor, source: Option<Source>) -> Self {
        let alarms = Alarms::new(log.clone(), clock.clone(), actor.clone());
        let (log, clock, actor) = (log.clone(), clock.clone(), actor.clone());
        let (gaps, look_at) = (Gaps::default(), Instant::now());
        Self { log, clock, actor, alarms, source, zone: TimeZone::UTC, gaps, look_at }
    }

    /// Raises or clears the alarm about this host's clock, if it was not looked at lately.
    pub(crate) async fn turn(&mut self) -> Result<(), CliError> {
        let gap = self.gaps.look(self.clock.now());
        if !gap && Instant::now() < self.look_at {
            return Ok(());
        }
        let is_wrong = self.look().await?;
        self.look_at = Instant::now() + if is_wrong { LOOK_WHILE_WRONG } else { LOOK_EVERY };
        Ok(())
    }

    async fn look(&self) -> Result<bool, CliError> {
        let (kind, host) = (AlarmKind::ClockWrong, host_name());
        let key = AlarmKey::new(kind, &host);
        // The log first: a raised alarm becomes its newest event.
        let said = match self.against_the_log().await? {
            Some(wrong) => ServerClock::Differs(wrong),
            None => self.against_the_server().await,
        };
        match said {
            ServerClock::Differs(message) => {
                let next_step = kind.step().to_owned();
                self.alarms.raise(&AlarmRaised { kind, subject: host, message, next_step }, None).await?;
                return Ok(true);
            }
            ServerClock::Agrees => {}
            // Another process of this host may have compared it with the server, and only a server's word ends that.
            ServerClock::Nothing if self.source.is_some() || !self.is_ours(&key).await? => return Ok(false),
            ServerClock::Nothing => {}
        }
        self.alarms.clear(&key, "the clocks agree again", None).await?;
        Ok(false)
    }

    /// Whether the alarm was raised in our own name, perhaps by an earlier process.
    async fn is_ours(&self, key: &AlarmKey) -> Result<bool, CliError> {
        let history = self.log.readable_stream(&StreamName::alarm(key)).await?;
        let raised = history.iter().rev().find(|event| matches!(event.event, Event::AlarmRaised(_)));
        Ok(raised.is_some_and(|raised| raised.actor.is_same_part(&self.actor)))
    }

    async fn against_the_log(&self) -> Result<Option<String>, CliError> {
        let size = self.log.head().await?.size;
        let newest = self.log.read(Position(size.saturating_sub(1)), 1).await?;
        let now = self.clock.now();
        let newest = newest.first().and_then(|stored| stored.decode().ok()).map(|event| event.time);
        Ok(newest.filter(|newest| differs(*newest, now) && *newest > now).map(|newest| {
            format!(
                "the newest event of the log is of {}, and it is {} by this host's clock: the clock was ahead then, or is behind now",
                shown(newest, &self.zone),
                shown(now, &self.zone)
            )
        }))
    }

    /// A server that does not answer has an alarm of its own.
    async fn against_the_server(&self) -> ServerClock {
        let Some(source) = &self.source else { return ServerClock::Nothing };
        let Ok(Some(there)) = source.time().await else { return ServerClock::Nothing };
        let now = self.clock.now();
        if !differs(there, now) {
            return ServerClock::Agrees;
        }
        let (ours, theirs, server) = (shown(now, &self.zone), shown(there, &self.zone), source.server());
        ServerClock::Differs(format!("it is {ours} by this host's clock, and {theirs} at the document server {server}"))
    }
}

fn differs(one: Timestamp, other: Timestamp) -> bool {
    one.duration_since(other).abs() > SignedDuration::try_from(MAX_SKEW).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use strongroom_audit::raised_alarms;
    use strongroom_source::testing::{Reply, ScriptedServer};

    use super::*;

    async fn site(start: &str) -> (tempfile::TempDir, EventLog, Clock) {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open_sqlite(&folder.path().join("log.sqlite"), &"demo".parse().unwrap()).await.unwrap();
        (folder, log, Clock::manual(start.parse().unwrap()))
    }

    /// The one alarm that is raised, if one is.
    async fn alarm(log: &EventLog) -> Option<String> {
        raised_alarms(log).await.unwrap().pop().map(|alarm| alarm.message)
    }

    async fn raise(log: &EventLog, clock: &Clock, subject: &str) -> Alarms {
        let (subject, message, next_step) = (subject.to_owned(), "m".to_owned(), "n".to_owned());
        let alarms = Alarms::new(log.clone(), clock.clone(), "run@test".parse().unwrap());
        alarms.raise(&AlarmRaised { kind: AlarmKind::CopyLost, subject, message, next_step }, None).await.unwrap();
        alarms
    }

    #[tokio::test]
    async fn a_clock_that_differs_from_the_servers_is_told_and_one_that_agrees_again_as_well() {
        let (_folder, log, clock) = site("2026-11-20T12:00:00Z").await;
        let server = ScriptedServer::new(|_| Reply::proper("200 OK\nDate: Fri, 20 Nov 2026 12:00:30 GMT", "{}"));
        let actor: Actor = "run@test".parse().unwrap();
        let watch = |clock: &Clock| ClockWatch::new(&log, clock, &actor, Some(server.source()));
        watch(&clock).turn().await.unwrap();
        assert_eq!(alarm(&log).await, None, "half a minute is nothing");
        for wrong in ["1970-01-01T00:00:00Z", "2036-11-20T12:00:00Z", "2026-11-20T11:00:00Z"] {
            watch(&Clock::manual(wrong.parse().unwrap())).turn().await.unwrap();
            let said = alarm(&log).await.unwrap();
            assert!(said.contains("2026-11-20 12:00:30 UTC") || said.contains("newest event"), "{wrong}: {said}");
            // Until something happens, the event that the wrong clock left is the newest of the log.
            let alarms = raise(&log, &clock, wrong).await;
            alarms.clear(&AlarmKey::new(AlarmKind::CopyLost, wrong), "over", None).await.unwrap();
            watch(&clock).turn().await.unwrap();
            assert_eq!(alarm(&log).await, None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn an_event_of_the_future_in_the_log_is_told_once() {
        let (_folder, log, clock) = site("2026-11-20T12:00:00Z").await;
        let ahead = Clock::manual("2027-11-20T12:00:00Z".parse().unwrap());
        raise(&log, &ahead, "x").await;
        let size = log.head().await.unwrap().size;
        let mut watch = ClockWatch::new(&log, &clock, &"run@test".parse().unwrap(), None);
        for _ in 0..3 {
            watch.turn().await.unwrap();
        }
        assert_eq!(log.head().await.unwrap().size, size + 1);
        let alarms = raised_alarms(&log).await.unwrap();
        assert!(alarms.iter().any(|alarm| alarm.message.contains("2027-11-20 12:00:00 UTC")), "{alarms:?}");
    }

    #[tokio::test]
    async fn a_clock_that_is_set_in_the_middle_of_a_run_is_told_at_once() {
        let (_folder, log, clock) = site("2026-11-20T12:00:00Z").await;
        let server = ScriptedServer::new(|_| Reply::proper("200 OK\nDate: Fri, 20 Nov 2026 12:00:30 GMT", "{}"));
        let mut watch = ClockWatch::new(&log, &clock, &"run@test".parse().unwrap(), Some(server.source()));
        watch.turn().await.unwrap();
        assert_eq!(alarm(&log).await, None);
        clock.set("2026-11-20T13:00:00Z".parse().unwrap());
        watch.turn().await.unwrap();
        let said = alarm(&log).await.unwrap();
        assert!(said.contains("13:00:00 UTC by this host's clock, and 2026-11-20 12:00:30 UTC at the"), "{said}");
    }

    #[tokio::test]
    async fn only_a_servers_word_ends_what_a_server_was_compared_with() {
        let (_folder, log, clock) = site("2026-11-20T12:00:00Z").await;
        let server = ScriptedServer::new(|_| Reply::proper("200 OK\nDate: Fri, 20 Nov 2026 14:00:00 GMT", "{}"));
        let (enumerate, notify) = ("enumerate@test".parse().unwrap(), "notify@test".parse().unwrap());
        ClockWatch::new(&log, &clock, &enumerate, Some(server.source())).turn().await.unwrap();
        let raised = alarm(&log).await;
        assert!(raised.is_some());
        let silent = ScriptedServer::new(|_| Reply::proper("503 Service Unavailable", "{}"));
        ClockWatch::new(&log, &clock, &notify, None).turn().await.unwrap();
        ClockWatch::new(&log, &clock, &enumerate, Some(silent.source())).turn().await.unwrap();
        assert_eq!(alarm(&log).await, raised);
        clock.set("2026-11-20T14:00:00Z".parse().unwrap());
        ClockWatch::new(&log, &clock, &enumerate, Some(server.source())).turn().await.unwrap();
        assert_eq!(alarm(&log).await, None);
    }
}
