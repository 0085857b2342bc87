//! An event rendered and read back by its caller, so that the appender, one task for all, only inserts the position
//! and hashes.

use strongroom_model::envelope::MAX_INTEGER;
use strongroom_model::{Expected, NewEvent, Position, Recorded, SiteId};

use crate::error::AppendError;
use crate::plan::MAX_EVENT_BYTES;

/// The digits of the greatest position.
const POSITION_DIGITS: usize = 20;
/// What surrounds the position, and occurs nowhere later in the bytes: canonical form sorts the members, those after it
/// are strings and a number, and quotes within strings are escaped.
const BEFORE: &str = r#","position":"#;
const AFTER: &str = r#","source":"/sites/"#;

#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) recorded: Recorded,
    pub(crate) expected: Expected,
    body: String,
    digit: usize,
}

impl Prepared {
    /// Reads the bytes back: unreadable bytes would stop every reader for ever, since the log never loses them.
    pub(crate) fn new(site: &SiteId, event: &NewEvent) -> Result<Self, AppendError> {
        let unusable = |reason: String| AppendError::Unusable { stream: event.stream.clone(), reason };
        if !event.event.fits(event.stream.kind()) {
            return Err(unusable(format!("a {} event is of another kind of stream", event.event.type_name())));
        }
        if matches!(event.expected, Expected::After(last) if last.0 >= MAX_INTEGER) {
            return Err(unusable("no stream has that many events".to_owned()));
        }
        let body = event.render(site, Position(0));
        if body.len() + POSITION_DIGITS > MAX_EVENT_BYTES {
            return Err(AppendError::TooLarge { events: 1, bytes: body.len() });
        }
        let recorded =
            Recorded::parse(&body).map_err(|error| unusable(format!("it could not be read back: {error}")))?;
        let around = body.rfind(&format!("{BEFORE}0{AFTER}"));
        let digit = around.ok_or_else(|| unusable("its bytes name no position".to_owned()))? + BEFORE.len();
        Ok(Self { recorded, expected: event.expected, body, digit })
    }

    /// What [`NewEvent::render`] would give.
    pub(crate) fn body_at(&self, position: Position) -> String {
        let (before, rest) = self.body.split_at(self.digit);
        let mut body = String::with_capacity(self.body.len() + POSITION_DIGITS);
        body.push_str(before);
        body.push_str(&position.to_string());
        body.push_str(&rest[1..]);
        body
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::event::{AlarmKey, AlarmRaised};
    use strongroom_model::{AlarmKind, Event, StreamName, Version};

    use super::*;

    fn event(text: &str, expected: Expected) -> NewEvent {
        let stream = StreamName::alarm(&AlarmKey::new(AlarmKind::DriveFull, text));
        let [subject, message, next_step] = [text; 3].map(str::to_owned);
        let event = Event::AlarmRaised(AlarmRaised { kind: AlarmKind::DriveFull, subject, message, next_step });
        NewEvent::new(stream, expected, "2026-11-20T23:00:00Z".parse().unwrap(), text.parse().unwrap(), event)
    }

    #[test]
    fn the_bytes_at_a_position_are_those_that_are_rendered_there() {
        let site = "harbour".parse().unwrap();
        let event = event(&format!("{BEFORE}0{AFTER}harbour\""), Expected::New);
        let prepared = Prepared::new(&site, &event).unwrap();
        for position in [0, 7, 10, u64::from(u32::MAX), MAX_INTEGER] {
            assert_eq!(prepared.body_at(Position(position)), event.render(&site, Position(position)));
        }
    }

    #[test]
    fn what_could_not_be_read_back_is_refused() {
        let site = "harbour".parse().unwrap();
        let mut other_kind = event("1", Expected::New);
        other_kind.stream = StreamName::summary(1);
        for event in [other_kind, event("1", Expected::After(Version(u64::MAX)))] {
            assert!(matches!(Prepared::new(&site, &event), Err(AppendError::Unusable { .. })));
        }
    }
}
