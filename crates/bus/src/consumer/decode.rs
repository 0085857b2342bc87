//! Decodes a message, which may be hostile (rule R9).

use std::borrow::Cow;

use serde::Deserialize;
use strongroom_model::envelope::EnvelopeError;
use strongroom_model::text::printable;
use strongroom_model::{Recorded, SiteId, StageName, next_step};

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

pub(crate) fn decode(body: &[u8], site: &SiteId, stage: StageName) -> Result<Recorded, UnusableMessage> {
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
    use strongroom_model::{Event, Expected, NewEvent, Position, RunId, StreamName};

    use super::*;

    fn body(site: &str) -> String {
        let time = "2026-11-20T23:00:00Z".parse().unwrap();
        let run = RunId::new(time);
        let requested = Event::RunRequested(RunRequested { trigger: Trigger::Once, oldest: 100 });
        let event = NewEvent::new(StreamName::run(run), Expected::New, time, "test".parse().unwrap(), requested);
        event.render(&site.parse().unwrap(), Position(7))
    }

    fn decoded(body: impl AsRef<[u8]>, stage: StageName) -> Result<Recorded, String> {
        decode(body.as_ref(), &"harbour".parse().unwrap(), stage).map_err(|error| error.to_string())
    }

    #[test]
    fn an_event_of_this_site_and_stage_is_work() {
        assert_eq!(decoded(body("harbour"), StageName::Enumerate).unwrap().position, Position(7));
    }

    #[test]
    fn whatever_else_is_told_apart() {
        let [unknown, future] = ["run.imagined.v1", "run.requested.v2"]
            .map(|name| body("harbour").replace("run.requested.v1", name).into_bytes());
        for (body, stage, error) in [
            (body("other").into_bytes(), StageName::Enumerate, "it is of /sites/other, not of this site"),
            (b"hello".to_vec(), StageName::Enumerate, "its body is not an event"),
            (unknown, StageName::Enumerate, "its body is not an event"),
            (future, StageName::Enumerate, "its body is not an event"),
            (body("harbour").into_bytes(), StageName::Fetch, "it is work for enumerate, not for this stage"),
            (vec![0xff, 0xfe], StageName::Fetch, "its body is not text"),
        ] {
            assert_eq!(decoded(body, stage).unwrap_err(), error);
        }
    }
}
