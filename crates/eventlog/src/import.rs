//! Recreates a log from an export, byte for byte: positions and root stay.

use serde::Deserialize;
use strongroom_model::envelope::EnvelopeError;
use strongroom_model::{Position, Recorded};

use crate::copy::{BATCH, store};
use crate::error::LogError;
use crate::log::EventLog;
use crate::plan::Copied;
use strongroom_proof::Head;
use strongroom_proof::merkle::{Frontier, leaf_hash};

/// Why an export was not imported completely. Stored events stay; a retry continues.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each is")]
pub enum ImportError {
    #[error("line {line} is not an event")]
    NoEvent {
        /// The line, from 1.
        line: u64,
        source: EnvelopeError,
    },
    #[error("line {line} is not event {expected} of site {site}: an export must be whole, from position 0 on")]
    OtherEvent {
        /// The line, from 1.
        line: u64,
        expected: Position,
        site: String,
    },
    #[error(
        "the log has {events} events that are not the first of the export: move the log's files away, or name a new database, and import into that"
    )]
    NotItsBeginning { events: u64 },
    #[error("the export could not be stored on: try again, it goes on where it stopped")]
    Log(#[from] LogError),
}

/// An import into a log that is empty or holds the export's beginning. Nobody should append meanwhile.
#[derive(Debug)]
pub struct Import<'a> {
    log: &'a EventLog,
    there: Head,
    tree: Frontier,
    waiting: Vec<Copied>,
}

#[derive(Deserialize)]
struct Source {
    source: String,
}

impl<'a> Import<'a> {
    /// Begins or continues.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn into(log: &'a EventLog) -> Result<Self, LogError> {
        Ok(Self { log, there: log.head().await?, tree: Frontier::default(), waiting: Vec::new() })
    }

    /// Takes the next line, without its end. If we stop in between, the log holds the export's beginning, to the last
    /// commit.
    ///
    /// # Errors
    /// It is not the next event, the log holds something else, or cannot be written.
    pub async fn line(&mut self, body: &str) -> Result<(), ImportError> {
        let (line, expected) = (self.tree.size() + 1, Position(self.tree.size()));
        let recorded = Recorded::parse(body).map_err(|source| ImportError::NoEvent { line, source })?;
        let source = serde_json::from_str(body).map(|Source { source }| source).unwrap_or_default();
        if recorded.position != expected || source != format!("/sites/{}", self.log.site()) {
            return Err(ImportError::OtherEvent { line, expected, site: self.log.site().to_string() });
        }
        let is_new = expected.0 >= self.there.size;
        if is_new && expected.0 == self.there.size {
            self.check_beginning()?;
        }
        self.tree.push(leaf_hash(body.as_bytes()));
        if is_new {
            self.waiting.push(Copied { recorded, body: body.to_owned() });
        }
        if self.waiting.len() >= BATCH {
            store(self.log, std::mem::take(&mut self.waiting)).await?;
        }
        Ok(())
    }

    /// Stores the rest and returns the log's head.
    ///
    /// # Errors
    /// The log holds more than the export, or something else, or cannot be written.
    pub async fn finish(mut self) -> Result<Head, ImportError> {
        if self.tree.size() <= self.there.size {
            self.check_beginning()?;
        }
        store(self.log, std::mem::take(&mut self.waiting)).await?;
        Ok(Head { size: self.tree.size(), root: self.tree.root() })
    }

    fn check_beginning(&self) -> Result<(), ImportError> {
        if (self.tree.size(), self.tree.root()) == (self.there.size, self.there.root) {
            return Ok(());
        }
        Err(ImportError::NotItsBeginning { events: self.there.size })
    }
}
