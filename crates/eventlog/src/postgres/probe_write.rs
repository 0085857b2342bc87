//! Trying whether the log can be written, with an append that is rolled back.

use jiff::Timestamp;
use sqlx::Connection as _;
use strongroom_model::event::{AlarmKey, AlarmRaised};
use strongroom_model::{AlarmKind, Event, EventId, Expected, NewEvent, SiteId, StreamName};

use super::place::timely;
use super::write::{PostgresWriter, ask_for_the_head, call};
use crate::appender::WriteError;
use crate::plan::{Before, Group, Plan};
use crate::prepared::Prepared;

/// Together more than the free room in a table's last pages, so that a full disk is noticed.
const EVENTS: usize = 16;
const TEXT_BYTES: usize = 1200;

impl PostgresWriter {
    /// Not retried: nobody waits for a server that starts or stops.
    pub(crate) async fn probe_write(&mut self) -> Result<(), WriteError> {
        // An error from here on drops the connection and its transaction.
        let mut connection = self.connected().await?;
        let mut transaction = timely(connection.begin()).await?;
        let before = ask_for_the_head(&mut transaction, &self.site).await?;
        let events = events(&self.site);
        let group = Group::Appends { appends: vec![&events], max_events: EVENTS };
        let plan = Plan::new(Before { streams: None, ..before }, &group)?;
        // A conflict also shows that the log can be written.
        timely(call(&mut transaction, &self.site, false, &plan)).await?;
        timely(transaction.rollback()).await?;
        self.connection = Some(connection);
        Ok(())
    }
}

fn events(site: &SiteId) -> Vec<Prepared> {
    let time = Timestamp::UNIX_EPOCH;
    let event = |_| {
        let (kind, subject) = (AlarmKind::LogUnreachable, EventId::new(time).to_string());
        let stream = StreamName::alarm(&AlarmKey::new(kind, &subject));
        let alarm = AlarmRaised { kind, subject, message: "x".repeat(TEXT_BYTES), next_step: String::new() };
        let actor = "rehearsal@log".parse().expect("it is an actor's name");
        let event = NewEvent::new(stream, Expected::New, time, actor, Event::AlarmRaised(alarm));
        Prepared::new(site, &event).expect("an alarm can be stored")
    };
    (0..EVENTS).map(event).collect()
}
