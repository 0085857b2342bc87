//! All events from a cursor on, including future ones.

use std::collections::VecDeque;

use futures_util::{Stream, stream};
use strongroom_model::Position;

use crate::error::LogError;
use crate::log::EventLog;
use crate::stored::Stored;

const READ_AHEAD: usize = 256;

struct Tail {
    log: EventLog,
    next: Position,
    ahead: VecDeque<Stored>,
    failed: bool,
}

pub(crate) fn tail(log: EventLog, from: Position) -> impl Stream<Item = Result<Stored, LogError>> + Send + 'static {
    let tail = Tail { log, next: from, ahead: VecDeque::new(), failed: false };
    stream::unfold(tail, |mut tail| async move {
        if tail.failed {
            return None;
        }
        let item = tail.step().await;
        tail.failed = item.is_err();
        Some((item, tail))
    })
}

impl Tail {
    async fn step(&mut self) -> Result<Stored, LogError> {
        loop {
            if let Some(stored) = self.ahead.pop_front() {
                return Ok(stored);
            }
            let batch = self.log.read(self.next, READ_AHEAD).await?;
            match batch.last() {
                Some(last) => self.next = last.position.next(),
                None => self.log.wait_for(self.next).await?,
            }
            self.ahead.extend(batch);
        }
    }
}
