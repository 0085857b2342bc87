//! A summary's number and interval.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use strongroom_eventlog::{AppendError, EventLog, LogError};
use strongroom_model::event::SummaryComposed;
use strongroom_model::{
    Actor, Event, EventId, Expected, NewEvent, Position, Recorded, SiteId, StreamName, SubjectKind,
};
use strongroom_service::{Clock, kill_point};

/// Reserved for private use.
pub(crate) const MESSAGE_ID_DOMAIN: &str = "strongroom.internal";

/// Tells apart mails that have all else in common.
const HASH_BYTES: usize = 8;

const TITLE_CHARS: usize = 120;

/// A summary could not be composed.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The log could not be read.
    #[error("the last summary cannot be read from the log")]
    Read(#[from] LogError),
    /// The log refused it, or did not answer. Composing again is harmless.
    #[error("the summary cannot be written to the log")]
    Append(#[from] AppendError),
    /// The newest summary's stream does not begin with its composition.
    #[error("{0} does not begin with its composition: run `strongroom log verify`")]
    Damaged(StreamName),
}

/// The last summary, sent or not, and when it was composed.
pub async fn last_composed(log: &EventLog) -> Result<Option<(SummaryComposed, jiff::Timestamp)>, ComposeError> {
    let Some(newest) = log.newest(SubjectKind::Summary, 1).await?.into_iter().next() else {
        return Ok(None);
    };
    // Later events of the stream do not matter, even unreadable ones.
    let first = log.read(newest.first_position, 1).await?;
    match first.first().and_then(|first| log.readable(first)) {
        Some(Recorded { event: Event::SummaryComposed(composed), time, .. }) => Ok(Some((composed, time))),
        _ => Err(ComposeError::Damaged(newest.stream)),
    }
}

/// Fixes the next summary's number, and its interval from the last one's end to the log's head. `None` if another
/// worker composed it first.
///
/// The intervals tile the log (R7): each number has one stream, so it is composed once; it begins where the last one,
/// read here, ends; and a log never gets shorter.
///
/// # Errors
/// The log could not be read or written. Composing again is harmless.
pub async fn compose(
    log: &EventLog,
    title: &str,
    clock: &Clock,
    actor: &Actor,
) -> Result<Option<Recorded>, ComposeError> {
    let previous = last_composed(log).await?.map(|(composed, _)| composed);
    compose_after(log, previous.as_ref(), title, clock, actor).await
}

/// Composes the successor of `previous`; `None` if another worker did. Two processes that find a summary due after
/// `previous` thus compose one, not two for the same night.
pub async fn compose_after(
    log: &EventLog,
    previous: Option<&SummaryComposed>,
    title: &str,
    clock: &Clock,
    actor: &Actor,
) -> Result<Option<Recorded>, ComposeError> {
    let head = log.head().await?;
    let number = previous.map_or(1, |previous| previous.number + 1);
    let time = clock.now();
    let id = EventId::new(time);
    let composed = SummaryComposed {
        number,
        from: previous.map_or(Position(0), |previous| previous.to),
        to: Position(head.size),
        root: head.root_base64(),
        title: strongroom_model::text::printable(title, TITLE_CHARS),
        message_id: message_id(&format!("summary-{number}"), log.site(), id.to_string().as_bytes()),
    };
    let event = NewEvent {
        id,
        stream: StreamName::summary(number),
        expected: Expected::New,
        time,
        actor: actor.clone(),
        cause: None,
        run: None,
        event: Event::SummaryComposed(composed),
    };
    // If we stop before the append, the interval is still open, and the next attempt fixes another one. After it, the
    // interval is fixed and the mail pending.
    kill_point!("notify.before-compose");
    let appended = log.append(vec![event]).await;
    kill_point!("notify.after-compose");
    match appended {
        Ok(recorded) => Ok(recorded.into_iter().next()),
        Err(AppendError::Conflict { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Without angle brackets (RFC 5322, section 3.6.4).
pub(crate) fn message_id(about: &str, site: &SiteId, unique: &[u8]) -> String {
    let hash = Sha256::digest(unique);
    format!("{about}.{site}.{}@{MESSAGE_ID_DOMAIN}", HEXLOWER.encode(&hash[..HASH_BYTES]))
}
