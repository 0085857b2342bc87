//! Trying whether the log can be written: what an append does, in a transaction that is undone.

use jiff::Timestamp;
use sqlx::Connection as _;
use strongroom_model::event::{AlarmKey, AlarmRaised};
use strongroom_model::{AlarmKind, Event, EventId, Expected, NewEvent, SiteId, StreamName};

use super::place::timely;
use super::write::{PostgresWriter, ask_for_the_head, call};
use crate::appender::WriteError;
use crate::plan::{Before, Group, Plan};
use crate::prepared::Prepared;

/// How many events are tried, and how long a text each has: together more than the room that the last pages of a
/// table happen to have, so that a disk that is full is found to be.
const EVENTS: usize = 16;
const TEXT_BYTES: usize = 1200;

impl PostgresWriter {
    /// Whether a group would be stored. None is. Tried once: nobody waits for a server that is just going or coming.
    pub(crate) async fn rehearse(&mut self) -> Result<(), WriteError> {
        // An error from here on leaves the connection behind, and the transaction with it.
        let mut connection = self.connected().await?;
        let mut transaction = timely(connection.begin()).await?;
        let before = ask_for_the_head(&mut transaction, self.site()).await?;
        let events = events(self.site());
        let group = Group::Appends { appends: vec![&events], most_events: EVENTS };
        let plan = Plan::new(Before { streams: None, ..before }, &group)?;
        // That somebody else was first shows as well that the log can be written.
        timely(call(&mut transaction, self.site(), false, &plan)).await?;
        timely(transaction.rollback()).await?;
        self.keep(connection);
        Ok(())
    }
}

fn events(site: &SiteId) -> Vec<Prepared> {
    let time = Timestamp::UNIX_EPOCH;
    let event = |_| {
        let id = EventId::new(time);
        let alarm = AlarmRaised {
            kind: AlarmKind::LogUnreachable,
            subject: id.to_string(),
            message: "x".repeat(TEXT_BYTES),
            next_step: String::new(),
        };
        let event = NewEvent {
            id,
            stream: StreamName::alarm(&AlarmKey::new(alarm.kind, &alarm.subject)),
            expected: Expected::New,
            time,
            actor: "rehearsal@log".parse().expect("it is an actor's name"),
            cause: None,
            run: None,
            event: Event::AlarmRaised(alarm),
        };
        Prepared::new(site, &event).expect("an alarm can be stored")
    };
    (0..EVENTS).map(event).collect()
}
