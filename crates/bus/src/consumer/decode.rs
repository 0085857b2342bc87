//! Decodes a message, which may be hostile (rule R9).

use std::borrow::Cow;

use serde::Deserialize;
use strongroom_model::envelope::EnvelopeError;
use strongroom_model::text::printable;
use strongroom_model::{Recorded, SiteId, StageName, next_step};

use crate::broker::Incoming;

/// Why a message is parked: no retry would change it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnusableMessage {
    #[error("its body is not text")]
    NoText,
    #[error("its body is not an event")]
    NoEvent(#[source] EnvelopeError),
    #[error("it is of {0}, not of this site")]
    OtherSite(String),
    #[error("it is work for {0}, not for this stage")]
    OtherStage(String),
}

#[derive(Deserialize)]
struct Origin<'a> {
    #[serde(borrow)]
    source: Cow<'a, str>,
}

pub(crate) fn decode(incoming: &Incoming, site: &SiteId, stage: StageName) -> Result<Recorded, UnusableMessage> {
    event(&incoming.body, site, stage)
}

fn event(body: &[u8], site: &SiteId, stage: StageName) -> Result<Recorded, UnusableMessage> {
    let text = std::str::from_utf8(body).map_err(|_| UnusableMessage::NoText)?;
    let event = Recorded::parse(text).map_err(UnusableMessage::NoEvent)?;
    let origin: Origin<'_> =
        serde_json::from_str(text).map_err(|error| UnusableMessage::NoEvent(EnvelopeError::NotCloudEvents(error)))?;
    if origin.source.strip_prefix("/sites/") != Some(site.as_str()) {
        return Err(UnusableMessage::OtherSite(printable(&origin.source, 100)));
    }
    match next_step(&event.event) {
        Some(next) if next.stage == stage => Ok(event),
        Some(next) => Err(UnusableMessage::OtherStage(next.stage.to_string())),
        None => Err(UnusableMessage::OtherStage("nobody".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::event::{RunRequested, Trigger};
    use strongroom_model::{Event, EventId, Expected, NewEvent, Position, RunId, StreamName};

    use super::*;

    fn body(site: &str) -> String {
        let time = "2026-11-20T23:00:00Z".parse().unwrap();
        let run = RunId::new(time);
        let requested = RunRequested { trigger: Trigger::Once, oldest: 100 };
        let event = NewEvent {
            id: EventId::new(time),
            stream: StreamName::run(run),
            expected: Expected::New,
            time,
            actor: "test".parse().unwrap(),
            cause: None,
            run: Some(run),
            event: Event::RunRequested(requested),
        };
        event.render(&site.parse().unwrap(), Position(7))
    }

    fn decode(body: &str) -> Result<Recorded, String> {
        event(body.as_bytes(), &"harbour".parse().unwrap(), StageName::Enumerate).map_err(|error| error.to_string())
    }

    #[test]
    fn an_event_of_this_site_and_stage_is_work() {
        assert_eq!(decode(&body("harbour")).unwrap().position, Position(7));
    }

    #[test]
    fn whatever_else_is_told_apart() {
        assert_eq!(decode(&body("other")).unwrap_err(), "it is of /sites/other, not of this site");
        assert_eq!(decode("hello").unwrap_err(), "its body is not an event");
        let unknown = body("harbour").replace("run.requested.v1", "run.imagined.v1");
        assert_eq!(decode(&unknown).unwrap_err(), "its body is not an event");
        let future = body("harbour").replace("run.requested.v1", "run.requested.v2");
        assert_eq!(decode(&future).unwrap_err(), "its body is not an event");
        let misled = event(body("harbour").as_bytes(), &"harbour".parse().unwrap(), StageName::Fetch);
        assert_eq!(misled.unwrap_err().to_string(), "it is work for enumerate, not for this stage");
        let binary = event(&[0xff, 0xfe], &"harbour".parse().unwrap(), StageName::Fetch);
        assert_eq!(binary.unwrap_err().to_string(), "its body is not text");
    }
}
